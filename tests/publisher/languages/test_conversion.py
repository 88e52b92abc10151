import pytest

from publisher.languages import sources_of
from publisher.languages.conversion import convert_html, convert_text
from publisher.languages.tags import CONVERSIONS

HANS, HANT, HONG_KONG = "zh-Hans", "zh-Hant", "zh-Hant-HK"

# Each sentence has a simplified character with two traditional forms.
SENTENCES = [
    ("皇后站在后面。", "皇后站在後面。"),
    ("他发现她剪了头发。", "他發現她剪了頭髮。"),
    ("干部在晒干的树干旁说不干。", "幹部在曬乾的樹幹旁說不幹。"),
    ("房子里有三里长的路。", "房子裡有三里長的路。"),
    ("台风过后的台湾。", "颱風過後的臺灣。"),
    ("新制度。", "新制度。"),
    ("“灯笼”周刊,第3期", "“燈籠”週刊,第3期"),
]


@pytest.mark.parametrize(("simplified", "traditional"), SENTENCES)
def test_conversion_depends_on_words(simplified: str, traditional: str) -> None:
    assert convert_text(simplified, HANS, HANT) == traditional


@pytest.mark.parametrize(("simplified", "traditional"), [SENTENCES[n] for n in (0, 1, 3, 4, 5)])
def test_traditional_sentences_become_simplified(simplified: str, traditional: str) -> None:
    assert convert_text(traditional, HANT, HANS) == simplified


def test_each_script_has_its_own_forms_and_only_those_of_chinese_are_convertible() -> None:
    assert convert_text("台湾为里", HANS, HONG_KONG) == "台灣為裏"
    assert convert_text("台湾为里", HANS, HANT) == "臺灣為裡"
    assert sources_of(HANS) == (HANT, HONG_KONG)
    assert sources_of("en") == ()
    assert convert_text("", HANS, HANT) == ""
    assert convert_html("", HANS, HANT) == ""


@pytest.mark.parametrize(("source", "target"), list(CONVERSIONS))
def test_every_pair_has_a_converter(source: str, target: str) -> None:
    assert convert_text("abc", source, target) == "abc"


def test_markup_special_characters_and_the_target_script_are_kept() -> None:
    fragment = "头<p>发现<em>头发<b>里</b>后</em>面条</p><ul><li>干部</li></ul>钟表<br>尾发"
    assert convert_html(fragment, HANS, HANT) == (
        "頭<p>發現<em>頭髮<b>裡</b>後</em>麵條</p><ul><li>幹部</li></ul>鐘錶<br>尾發"
    )
    # s2tw would make 說明瞭 of it.
    passage = '<q lang="zh-Hant">說明了</q>'
    assert convert_html(f"<p>说{passage}</p>", HANS, HANT) == f"<p>說{passage}</p>"
    assert convert_html('<p lang="zh-CN">头发</p>', HANS, HANT) == '<p lang="zh-Hant">頭髮</p>'
    escaped = "<p>头 &lt;b&gt; &amp;amp;</p>"
    assert convert_html(escaped, HANS, HANT) == escaped.replace("头", "頭")


@pytest.mark.parametrize("tag", ["code", "kbd", "samp", "var", "pre"])
def test_code_is_not_converted_and_text_after_it_is(tag: str) -> None:
    fragment = f"<p>头发</p><{tag} title='头'>头发<b>头发</b></{tag}>头发"
    quoted = fragment.replace("'", '"')
    expected = quoted.replace("<p>头发", "<p>頭髮").removesuffix("头发") + "頭髮"
    assert convert_html(fragment, HANS, HANT) == expected


def test_alt_and_title_are_converted_and_urls_are_not() -> None:
    fragment = (
        '<a href="https://example.org/%E5%9B%BD" title="国会">国会</a>'
        '<img src="/%E5%A4%B4.png" alt="头发" title="">'
    )
    assert convert_html(fragment, HANS, HANT) == (
        '<a href="https://example.org/%E5%9B%BD" title="國會">國會</a>'
        '<img src="/%E5%A4%B4.png" alt="頭髮" title="">'
    )


@pytest.mark.parametrize("language", ["ja", "en", "ko", "zh-Latn", "zh_CN.UTF-8", "nonsense"])
def test_passages_in_other_languages_are_not_converted(language: str) -> None:
    passage = f'<span lang="{language}" title="国会">国会<b>国会</b></span>'
    assert convert_html(f"国会{passage}国会", HANS, HANT) == f"國會{passage}國會"
