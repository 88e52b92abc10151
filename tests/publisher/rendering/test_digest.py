"""The digest, rendered for real in every sample language."""

import re
from dataclasses import replace
from functools import cache

import pytest
from lxml import etree, html

from publisher.articles.model import Byline, Picture
from publisher.assembly.gate_run import check_digest
from publisher.errors import RenderingError
from publisher.languages import direction
from publisher.mail_limits import MAX_HTML_BYTES, MAX_SUBJECT_COLUMNS
from publisher.rendering import ArticleView, Digest, IssueContent, Renderer, placeholders
from publisher.rendering.colours_and_fonts import palette
from publisher.rendering.digest import choose_preheader
from publisher.rendering.digest_stories import (
    SUMMARY_COLUMNS,
    DigestLayout,
    StoryLength,
    lay_out,
    order_stories,
)
from publisher.rendering.model import PicturesShown, RelatedArticle
from publisher.rendering.plaintext import display_width
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tests.publisher.rendering.reading import words
from tests.sizes import by_lane

RENDERER = Renderer()

every_language = pytest.mark.parametrize("language", sample.LANGUAGES)


@cache
def sample_digest(language: str) -> Digest:
    """Render the sample issue of a language when a test first asks for it."""
    return RENDERER.digest(sample.issue(language))


def tree(digest: Digest) -> etree._Element:
    return html.document_fromstring(digest.html)


def one(root: etree._Element, class_name: str) -> etree._Element:
    return next(e for e in root.iter("*") if class_name in e.get("class", "").split())


@every_language
def test_every_table_and_cell_carries_language_and_direction(language: str) -> None:
    for element in tree(sample_digest(language)).iter("table", "td"):
        own = element.get("lang")
        assert own in {language, "en"}
        assert element.get("dir") == direction(str(own))
        if element.tag == "table":
            assert element.get("role") == "presentation"
            spacing = [element.get(name) for name in ("cellpadding", "cellspacing", "border")]
            assert spacing == ["0", "0", "0"]


def test_an_english_item_reads_from_the_left_in_an_arabic_digest() -> None:
    cells = [e for e in tree(sample_digest("ar")).iter("td") if "item" in e.get("class", "")]
    english = [cell for cell in cells if cell.get("lang") == "en"]
    assert len(english) == 1
    assert (english[0].get("dir"), english[0].get("align")) == ("ltr", "left")
    assert "text-align:left" in english[0].get("style", "")
    assert "direction:ltr" in english[0].get("style", "")
    label = one(english[0], "label")
    assert (label.get("lang"), label.get("dir")) == ("ar", "rtl")
    assert words(label) == "اللغة: English"


@pytest.mark.parametrize("content", ["summary", "full"])
@every_language
def test_the_gate_finds_nothing_in_a_digest_whose_pictures_have_words(
    language: str, content: str
) -> None:
    digest = RENDERER.digest(sample.issue(language, content=content))
    findings = check_digest(a_publication(), an_issue(language), digest).report.findings
    # The sample's bodies have a picture without words; those of German say little.
    known = {"picture-left-out"} if content == "full" else set[str]()
    assert {one.code for one in findings} - {"preheader-length"} == known
    assert language == "de" or "preheader-length" not in {one.code for one in findings}


@every_language
def test_both_parts_hold_every_token_and_no_trace_of_a_template(language: str) -> None:
    digest = sample_digest(language)
    for token in (
        placeholders.UNSUBSCRIBE_PLACEHOLDER,
        placeholders.PREFERENCES_PLACEHOLDER,
        placeholders.ADDRESS_PLACEHOLDER,
    ):
        assert token in digest.html
        assert token in digest.text
    for part in (digest.subject, digest.preheader, digest.html, digest.text):
        assert not re.search(r"\{\{|\{%|\{#|%\(|None|Undefined", part)


def test_the_masthead_tells_publication_newsletter_date_and_number() -> None:
    expected = {
        "en": "The Lantern The week · Friday, January 9, 2026 · No. 12",
        "zh-Hans": "灯笼 一周 · 2026年1月9日星期五 · 第 12 期",
        "zh-Hant": "燈籠 一週 · 2026年1月9日 星期五 · 第 12 期",
        "ar": "الفانوس الأسبوع · الجمعة، 9 يناير 2026 · العدد 12",
        "de": "Die Laterne Die Woche · Freitag, 9. Januar 2026 · Nr. 12",
    }
    digests = {tag: RENDERER.digest(sample.issue(tag, number=12)) for tag in sample.LANGUAGES}
    seen = {
        tag: f"{words(one(tree(digest), 'masthead'))} {words(one(tree(digest), 'dateline'))}"
        for tag, digest in digests.items()
    }
    assert seen == expected
    assert (
        "The Lantern\n===========\nThe week\nFriday, January 9, 2026 · No. 12\n"
        in digests["en"].text
    )


def test_the_name_of_the_newsletter_may_head_the_mail_instead() -> None:
    content = sample.issue("en")
    publication = replace(content.publication, masthead="newsletter")
    digest = RENDERER.digest(replace(content, publication=publication))
    assert headings(digest)[0] == ("h1", "The week")
    assert words(one(tree(digest), "dateline")) == "Friday, January 9, 2026"


def test_bylines_translators_and_labels_stand_in_both_parts() -> None:
    byline = one(tree(sample_digest("zh-Hans")), "byline")
    assert words(byline) == "样例甲 · 4分钟"
    item = sample.item("en")
    item = replace(item, article=replace(item.article, translators=("Tia Example", "Uli Test")))
    digest = RENDERER.digest(sample.issue("en", items=(item,)))
    for part in (words(tree(digest)), digest.text):
        assert "Translated by Tia Example and Uli Test" in part


def test_english_strings_around_a_language_without_a_catalogue_say_that_they_are_english() -> (
    None
):
    content = sample.issue("de", number=3)
    publication = replace(content.publication, language="nb")
    digest = RENDERER.digest(replace(content, publication=publication))
    root = tree(digest)
    strings = [e for e in root.iter("*") if e.text and "Unsubscribe" in e.text]
    parent = strings[0].getparent()
    assert parent is not None
    assert (parent.get("lang"), parent.get("dir")) == ("en", "ltr")
    assert 'lang="en" dir="ltr">No. 3<' in digest.html


def test_labels_say_why_an_item_is_not_simply_an_article_also_two_of_them() -> None:
    text = sample_digest("zh-Hant").text
    page = words(tree(sample_digest("zh-Hant")))
    for label in ("由簡體中文自動轉換", "新譯文", "語言：English"):
        assert label in text
        assert label in page
    item = sample.item("zh-Hans", shown_as="converted", is_late=True)
    digest = RENDERER.digest(sample.issue("zh-Hans", items=(item,)))
    assert "河流 · 由繁体中文自动转换 · 新译文" in words(tree(digest))
    assert "由繁体中文自动转换\n新译文\n" in digest.text


def test_links_are_named_in_their_own_language_and_for_screen_readers() -> None:
    switch = one(tree(sample_digest("en")), "tongues")
    links = [(a.get("lang"), a.get("dir"), words(a)) for a in switch.iter("a")]
    assert ("ar", "rtl", "العربية") in links
    assert ("zh-Hans", "ltr", "简体中文") in links
    labels = [
        a.get("aria-label") for a in tree(sample_digest("en")).iter("a") if a.get("aria-label")
    ]
    assert labels == ["Continue reading: The ferry that learned to wait for the tide"]


def test_the_lead_shows_its_picture_at_the_width_of_the_column_if_mail_can_show_it() -> None:
    (image,) = tree(sample_digest("en")).iter("img")
    assert image.get("src") == "https://news.example.org/media/0a1b/ferry.png"
    assert (image.get("width"), image.get("height")) == ("600", None)
    assert "max-height:315px" in image.get("style", "")
    assert image.get("alt") == "A ferry at low tide"
    assert "caption-frame" not in sample_digest("en").html.partition("<body")[2]
    item = sample.item("en")
    named = replace(sample.PICTURE, caption="Low <tide", credit="Ann Example")
    item = replace(item, article=replace(item.article, picture=named))
    digest = RENDERER.digest(sample.issue("en", items=(item,)))
    assert ">Low &lt;tide\u2003Ann Example</p>" in digest.html
    drawing = replace(item.article, picture=Picture(src="/media/1/a.svg", alt="x"))
    digest = RENDERER.digest(sample.issue("en", items=(replace(item, article=drawing),)))
    assert "<img" not in digest.html


def pictured(pictures: PicturesShown, alt: str = "A pier", length: int = 4) -> IssueContent:
    """An issue whose stories have a picture each."""
    content = sample.issue("en")
    items = tuple(
        replace(
            item,
            article=replace(
                item.article,
                picture=replace(sample.PICTURE, src=f"/media/{number}/a.png", alt=alt),
            ),
        )
        for number, item in enumerate(content.items[:length])
    )
    return replace(content, items=items, pictures=pictures)


@pytest.mark.parametrize(
    ("pictures", "shown"), [("lead", ["0"]), ("all", ["0", "1", "2", "3"]), ("none", [])]
)
def test_a_newsletter_decides_which_stories_show_their_picture(
    pictures: PicturesShown, shown: list[str]
) -> None:
    digest = RENDERER.digest(pictured(pictures))
    sources = [image.get("src", "") for image in tree(digest).iter("img")]
    assert [source.split("/")[-2] for source in sources] == shown


def test_a_picture_without_words_is_no_link() -> None:
    images = list(tree(RENDERER.digest(pictured("all", alt=""))).iter("img"))
    assert [image.get("alt") for image in images] == [""] * 4
    assert not any(list(image.iterancestors("a")) for image in images)


def test_a_picture_that_the_text_of_the_story_shows_is_not_shown_twice() -> None:
    content = pictured("lead", length=1)
    (item,) = content.items
    figure = (
        '<p>Tide.</p><p><img src="/media/0/a.png" alt="A pier" width="600" height="315"></p>'
    )
    full = replace(item, article=replace(item.article, html=figure))
    digest = RENDERER.digest(replace(content, items=(full,), content="full"))
    assert len(list(tree(digest).iter("img"))) == 1


def test_contents_come_with_the_fourth_further_story_that_has_its_text() -> None:
    content = replace(sample.issue("zh-Hans"), content="full")
    five = RENDERER.digest(content)
    four = RENDERER.digest(replace(content, items=content.items[:4]))
    summaries = sample_digest("zh-Hans")
    assert "本期还有" in five.html
    assert "本期还有" in five.text
    for lacking in (four, summaries):
        assert "本期还有" not in lacking.html + lacking.text


def test_a_bare_issue_leaves_out_what_it_does_not_have() -> None:
    item = sample.item("en", 1, translations=())
    bare = replace(item.article, section=None, summary="", bylines=(), picture=None)
    content = sample.issue("en", items=(replace(item, article=bare),), sisters=(), more=0)
    publication = replace(content.publication, address="")
    digest = RENDERER.digest(replace(content, publication=publication))
    for part in (digest.html, digest.text):
        for absent in ("eyebrow", "Also in", "You might", "more article", "Read this issue"):
            assert f'class="{absent}"' not in part
            assert absent not in part.partition("</head>")[2]
    assert digest.preheader == "Slow news about rivers, maps and small machines"


def test_titles_are_escaped_in_html_and_plain_in_text_and_subject() -> None:
    item = sample.item("en")
    odd = replace(
        item.article,
        title="Tide <b>& {{ ebb }}",
        bylines=(Byline(name="A <i>B", affiliation="C & D"),),
    )
    digest = RENDERER.digest(sample.issue("en", items=(replace(item, article=odd),)))
    assert "Tide &lt;b&gt;&amp; {{ ebb }}" in digest.html
    assert "<b>" not in digest.html
    assert "A &lt;i&gt;B" in digest.html
    assert digest.subject == "The week: Tide <b>& {{ ebb }}"
    assert "\nA <i>B\n" in digest.text


def test_a_subject_names_newsletter_and_lead_in_one_line_without_hidden_characters() -> None:
    assert (
        sample_digest("en").subject == "The week: The ferry that learned to wait for the tide"
    )
    assert sample_digest("zh-Hans").subject == "一周：学会等待潮水的渡轮"
    assert sample_digest("ar").subject == "الأسبوع: العبّارة التي تعلّمت انتظار المدّ"
    item = sample.item("en")
    odd = replace(item.article, title="Ebb\r\nBcc: x\u202e and\u200b flow\u2069")
    subject = RENDERER.digest(sample.issue("en", items=(replace(item, article=odd),))).subject
    assert subject == "The week: Ebb Bcc: x and flow"
    content = sample.issue("ar")
    subject = RENDERER.digest(replace(content, items=content.items[2:3])).subject
    assert subject == "الأسبوع: \u2068How to repair a clock that nobody winds\u2069"
    item = content.items[2]
    long = replace(item, article=replace(item.article, title="tide \u2069\ue001and " * 30))
    cut = RENDERER.digest(replace(content, items=(long,))).subject
    assert display_width(cut) <= MAX_SUBJECT_COLUMNS
    assert (cut.count("\u2068"), cut.count("\u2069"), cut[-1]) == (1, 1, "\u2069")
    assert "\ue001" not in cut


@pytest.mark.parametrize("title", ["tide and time " * 20, "潮水与时间" * 30, "x" * 300])
def test_a_long_subject_is_cut_to_its_columns(title: str) -> None:
    item = sample.item("en")
    long = replace(item, article=replace(item.article, title=title))
    subject = RENDERER.digest(sample.issue("en", items=(long,))).subject
    assert display_width(subject) <= MAX_SUBJECT_COLUMNS
    assert subject.endswith("…")
    assert not subject.endswith((" …", "ti…"))


def told(content: IssueContent) -> DigestLayout:
    return lay_out(order_stories(content), (StoryLength.SUMMARY,) * len(content.items))


def test_the_first_line_is_the_beginning_of_the_leads_summary_in_its_language() -> None:
    line = choose_preheader(content := sample.issue("zh-Hans"), told(content))
    assert line.language == "zh-Hans"
    assert line.text.startswith("四十年来，渡轮总是准点开船")
    assert line.text.endswith("…")
    assert display_width(line.text) <= 90
    content = sample.issue("ar")
    content = replace(content, items=content.items[2:3])
    line = choose_preheader(content, told(content))
    assert (line.language, line.text[:36]) == ("en", "The keeper of the town hall clock ex")


def rich(language: str, index: int) -> ArticleView:
    """An item with everything, at length."""
    item = sample.item(language, index)
    title = f"{item.article.title} {item.article.title}"
    like = RelatedArticle(title=title, url=item.url, language=language)
    article = replace(item.article, title=title, summary=item.article.summary * 6)
    return replace(item, article=article, related=(like,) * 3, is_late=True)


@pytest.mark.parametrize("language", by_lane(("zh-Hans", "ar"), sample.LANGUAGES))
def test_twenty_stories_with_everything_stay_below_what_gmail_clips(language: str) -> None:
    items = tuple(
        replace(made, url=f"{made.url}{index}/")
        for index in range(20)
        for made in [rich(language, index % 2)]
    )
    content = sample.issue(language, items=items)
    digest = RENDERER.digest(content)
    assert len(digest.html.encode()) <= MAX_HTML_BYTES
    assert len(digest.stories) + (words_of_more(digest) - content.more) == 20
    full = RENDERER.digest(replace(content, content="full"))
    assert len(full.html.encode()) <= MAX_HTML_BYTES
    assert {note.code for note in full.notes} >= {"stories-shortened"}


def words_of_more(digest: Digest) -> int:
    (more,) = re.findall(r"\d+", words(one(tree(digest), "more")))
    return int(more)


def test_notes_to_the_editor_name_shortened_stories_by_title() -> None:
    items = tuple(
        replace(
            made,
            url=f"{made.url}{index}/",
            article=replace(made.article, title=f"Tide {index}"),
        )
        for index in range(90)
        for made in [rich("en", index % 2)]
    )
    digest = RENDERER.digest(sample.issue("en", items=items))
    notes = {note.code: note.text for note in digest.notes}
    assert "“Tide 89”" in notes["stories-shortened"]
    assert "74,000 bytes" in notes["stories-shortened"]
    assert "“Tide 0”" not in notes["stories-shortened"]
    assert next(told.passages[0] for told in digest.stories) == "Tide 0"


def test_a_summary_ends_with_a_sentence_in_both_parts() -> None:
    digest = RENDERER.digest(sample.issue("zh-Hans", items=(rich("zh-Hans", 0),)))
    summary = words(one(tree(digest), "summary-lead"))
    assert summary.endswith("。")
    assert SUMMARY_COLUMNS // 2 <= display_width(summary) <= SUMMARY_COLUMNS
    assert summary in digest.text.replace("\n", "")


def in_sections(*sections: str | None) -> IssueContent:
    items = tuple(
        replace(
            made,
            url=f"{made.url}{index}/",
            article=replace(made.article, title=f"Tide {index}", section=section, picture=None),
        )
        for index, section in enumerate(sections)
        for made in [sample.item("en", index % 4)]
    )
    return sample.issue("en", items=items)


def headings(digest: Digest) -> list[tuple[str, str]]:
    return [(str(e.tag), words(e)) for e in tree(digest).iter("h1", "h2", "h3", "h4")]


def test_further_stories_stand_by_section_where_one_has_several() -> None:
    digest = RENDERER.digest(in_sections("Maps", "Maps", "Rivers", None, "Maps"))
    assert headings(digest) == [
        ("h1", "The Lantern"),
        ("h2", "Tide 0"),
        ("h2", "Tide 2"),
        ("h2", "Tide 3"),
        ("h2", "Maps"),
        ("h3", "Tide 1"),
        ("h3", "Tide 4"),
    ]
    assert "\n\n== Maps ==\n\nTide 1\n" in digest.text
    order_of_text = [digest.text.index(f"\nTide {number}\n") for number in (0, 2, 3, 1, 4)]
    assert order_of_text == sorted(order_of_text)
    assert [told.passages[0][-1] for told in digest.stories] == list("02314")


def test_sections_of_one_story_each_are_named_above_their_titles() -> None:
    digest = RENDERER.digest(in_sections("Maps", "Maps", "Rivers"))
    assert headings(digest) == [
        ("h1", "The Lantern"),
        ("h2", "Tide 0"),
        ("h2", "Tide 1"),
        ("h2", "Tide 2"),
    ]
    eyebrows = [words(e) for e in tree(digest).iter("p") if e.get("class") == "eyebrow"]
    assert eyebrows == ["Maps", "Maps", "Rivers"]


def test_the_lead_is_among_the_first_with_a_picture_and_in_the_issue_s_language() -> None:
    content = in_sections(None, None, None, None)

    def lead(pictured: int) -> str:
        items = tuple(
            replace(item, article=replace(item.article, picture=sample.PICTURE))
            if index == pictured
            else item
            for index, item in enumerate(content.items)
        )
        return RENDERER.digest(replace(content, items=items)).subject

    assert [lead(number)[-1] for number in range(4)] == list("0120")
    content = sample.issue("ar")
    foreign = content.items[2]
    turned = replace(content, items=(foreign, content.items[0]))
    assert told(turned).lead.item.article.language == "ar"
    assert told(replace(content, items=(foreign,))).lead.item.article.language == "en"


def test_notes_and_a_quotation_stand_there_where_a_newsletter_has_them() -> None:
    content = in_sections(None, None, None)
    quoted = "<blockquote><p>The tide keeps its own clock.</p></blockquote>"
    short = "<p>The quay is open again.</p>"
    long = "tide " * 100
    html_of = (f"<p>{long}</p>", f"<p>{long}</p>{quoted}", short)
    items = tuple(
        replace(
            item, article=replace(item.article, html=said, text=re.sub("<[^>]*>", "", said))
        )
        for item, said in zip(content.items, html_of, strict=True)
    )
    content = replace(content, items=items)
    plain = RENDERER.digest(content)
    full = RENDERER.digest(replace(content, blocks=frozenset({"quotation", "notes"})))
    assert "The tide keeps its own clock." not in plain.html
    assert "In short" not in plain.html + plain.text
    for part in (full.html, full.text):
        assert "The tide keeps its own clock." in part
        assert part.index("In short") < part.index("The quay is open again.")
    assert ("h2", "In short") in headings(full)
    assert full.stories[-1].passages == ("Tide 2", "The quay is open again.")


@every_language
def test_equal_content_gives_equal_bytes(language: str) -> None:
    assert Renderer().digest(sample.issue(language)) == sample_digest(language)


def test_rules_that_stay_in_the_head_keep_their_importance() -> None:
    head = sample_digest("en").html.partition("</head>")[0]
    assert "@media (prefers-color-scheme:dark)" in head
    assert "@media only screen and (max-width:620px)" in head
    assert "[data-ogsc] .summary" in head
    assert head.count(" !important") > 30
    assert "data-premailer" not in sample_digest("en").html
    kept = sum(len(block) for block in re.findall(r"<style>(.*?)</style>", head, re.DOTALL))
    assert kept < 8_000


def test_a_logo_stands_for_the_title_and_leads_home() -> None:
    content = sample.issue("ar")
    logo = Picture(src="/media/1/logo.png", alt=content.publication.title, width=200, height=50)
    digest = RENDERER.digest(
        replace(content, publication=replace(content.publication, logo=logo))
    )
    image = one(tree(digest), "logo")
    assert image.get("src") == "https://news.example.org/media/1/logo.png"
    assert (image.get("width"), image.get("height")) == ("200", "50")
    assert image.get("alt") == "الفانوس"
    (link,) = image.iterancestors("a")
    assert link.get("href") == "https://news.example.org/ar/"
    assert "house" not in {e.get("class") for e in tree(digest).iter("p")}


def test_colours_and_type_are_those_that_the_publication_chose() -> None:
    content = sample.issue("en")
    chosen = replace(
        content.publication, palette=palette("#0b57d0", "#e8f0fe"), headings="sans"
    )
    digest = RENDERER.digest(replace(content, publication=chosen))
    assert "#8f2f12" not in digest.html
    assert "Georgia" not in digest.html
    assert 'bgcolor="#0b57d0"' in digest.html
    assert "background-color:#e8f0fe" in digest.html


def test_an_issue_without_articles_is_refused() -> None:
    empty: IssueContent = sample.issue("en", items=())
    with pytest.raises(RenderingError, match="2026-01-09/: an issue without articles"):
        RENDERER.digest(empty)
