"""Both parts contain every story in its own words, in order."""

from dataclasses import replace

import pytest

from publisher.gate.findings import MailPart
from publisher.gate.mail import CheckedMail
from publisher.gate.rules import story_text
from publisher.rendering.model import StoryText
from tests.cpu_time import at_most
from tests.publisher.gate.messages import PREHEADERS, STORIES, a_mail, page_of, text_of


def found(mail: CheckedMail) -> list[tuple[str, str]]:
    return [(finding.code, finding.problem) for finding in story_text.check(mail)]


def made(
    told: tuple[StoryText, ...], html: tuple[StoryText, ...], text: tuple[StoryText, ...]
) -> CheckedMail:
    """Make a mail that should contain some stories; its parts contain those given."""
    mail = a_mail(html=page_of(html, PREHEADERS["en"]), text=text_of(text))
    return replace(mail, stories=told)


EN = STORIES["en"]


def with_passage(number: int, words: str | None, story: StoryText = EN[0]) -> StoryText:
    passages = list(story.passages)
    passages[number : number + 1] = [] if words is None else [words]
    return replace(story, passages=tuple(passages))


@pytest.mark.parametrize("language", [*STORIES])
def test_a_composed_mail_contains_every_story(language: str) -> None:
    assert found(a_mail(language)) == []


def test_without_expected_stories_nothing_is_compared_and_an_empty_text_lacks_all() -> None:
    assert found(replace(a_mail(), stories=())) == []
    assert (
        found(replace(a_mail(), stories=(StoryText(language="en", url="x", passages=()),)))
        == []
    )
    assert [code for code, _problem in found(a_mail(text="\n"))] == ["story-text"] * 2
    story = StoryText(language="en", url="x", passages=("\u200b", "Nowhere to be found"))
    where = [finding.where for finding in story_text.check(replace(a_mail(), stories=(story,)))]
    assert where == ["“Nowhere to be found” (en)"] * 2


@pytest.mark.parametrize("language", [*STORIES])
def test_a_lost_letter_is_a_finding_with_story_language_and_passage(language: str) -> None:
    told = STORIES[language]
    damaged = with_passage(
        1, told[0].passages[1].replace(told[0].passages[1][8], "", 1), told[0]
    )
    there = (damaged, *told[1:])
    mail = a_mail(language, html=page_of(there, PREHEADERS[language]))
    (finding,) = story_text.check(mail)
    assert (finding.code, finding.rule.part) == ("story-html", MailPart.HTML)
    assert finding.where == f"“{told[0].passages[0]}” ({language})"
    assert finding.problem.startswith(
        f"passage 2 of {len(told[0].passages)} differs: expected “"
    )
    (finding,) = story_text.check(a_mail(language, text=text_of(there)))
    assert (finding.code, finding.rule.part) == ("story-text", MailPart.TEXT)


@pytest.mark.parametrize("language", [*STORIES])
def test_no_single_letter_can_be_lost_doubled_or_changed(language: str) -> None:
    told = STORIES[language]
    mail = a_mail(language)
    for number, passage in enumerate(told[0].passages):
        for place, letter in enumerate(passage):
            if letter.isspace():
                continue
            for new in ("", letter * 2, "x" if letter != "x" else "y"):
                changed = passage[:place] + new + passage[place + 1 :]
                # Changing what is expected is as good as changing each part, and cheaper.
                expected = (with_passage(number, changed, told[0]), *told[1:])
                problems = found(replace(mail, stories=expected))
                assert {code for code, _problem in problems} >= {
                    "story-html",
                    "story-text",
                } or (
                    {code for code, _problem in problems}
                    == {"story-html-joined", "story-text-joined"}
                ), (changed, problems)


def test_faults_of_a_story_are_counted_and_the_wrong_order_is_one() -> None:
    swapped = replace(EN[0], passages=(EN[0].passages[0], *reversed(EN[0].passages[1:])))
    (one, other) = found(made(EN, (swapped, EN[1]), (swapped, EN[1])))
    assert one[0] == "story-html"
    assert other[0] == "story-text"
    assert "passage 3 of 3 is before the passage that it should follow" in one[1]
    short = replace(EN[0], passages=EN[0].passages[:1])
    codes = found(made(EN, EN, (short, EN[1])))
    assert codes == [
        (
            "story-text",
            f"passage 2 of 3 is missing: “{EN[0].passages[1][:32].strip()}…” (and 1 more)",
        )
    ]


def test_a_title_in_the_contents_does_not_stand_for_a_headline_that_is_lost() -> None:
    headless = replace(EN[1], passages=EN[1].passages[1:])
    html = page_of(EN, PREHEADERS["en"]).replace(f"<h2>{EN[1].passages[0]}</h2>", "")
    assert html.count(EN[1].passages[0]) == 2  # the preheader, and the contents
    (finding,) = story_text.check(replace(made(EN, EN, EN), content=a_mail(html=html).content))
    assert finding.code == "story-html"
    assert (
        "its words are mixed with those of “The ferry that waits for the tide”"
        in finding.problem
    )
    assert headless.passages == EN[1].passages[1:]


def test_stories_may_stand_in_another_order_or_only_be_named() -> None:
    assert found(made(EN, EN[::-1], EN[::-1])) == []
    named = replace(EN[1], passages=EN[1].passages[:1])
    assert found(made((EN[0], named), (EN[0], named), (EN[0], named))) == []
    html = page_of(EN, PREHEADERS["en"]).replace(
        "</body>", f"<p>{EN[0].passages[0]}</p></body>"
    )
    assert found(a_mail(html=html)) == []


def test_hidden_words_and_marks_of_items_and_cells_do_not_count() -> None:
    html = page_of(EN, PREHEADERS["en"]).replace(
        f"<p>{EN[0].passages[1]}", f'<p style="display:none">{EN[0].passages[1]}'
    )
    assert html.count("display:none") == 1
    ((code, problem),) = found(a_mail(html=html))
    assert (code, "passage 2 of 3 is missing" in problem) == ("story-html", True)
    one, two = EN[1].passages
    text = text_of(EN).replace(f"{one}\n", f"12. {one}\n").replace(f"{two}\n", f"- {two} | 7\n")
    assert found(a_mail(text=text)) == []


@pytest.mark.parametrize(
    ("before", "behind"),
    [("It is not true that ", ""), ("", " Not."), ("not", ""), ("<b>No:</b> ", "")],
)
def test_words_in_the_line_of_a_passage_are_a_warning(before: str, behind: str) -> None:
    passage = EN[1].passages[1]
    html = page_of(EN, PREHEADERS["en"]).replace(
        f"<p>{passage}</p>", f"<p>{before}{passage}{behind}</p>"
    )
    assert html != page_of(EN, PREHEADERS["en"])
    (finding,) = story_text.check(a_mail(html=html))
    assert (finding.code, finding.severity) == ("story-html-joined", "warning")
    assert finding.problem.startswith("passage 2 of 2 shares its line with other words: “…")
    plain = before.replace("<b>", "").replace("</b>", "")
    text = text_of(EN).replace(passage, f"{plain}{passage}{behind}")
    assert [finding.code for finding in story_text.check(a_mail(text=text))] == [
        "story-text-joined"
    ]


def test_a_short_passage_is_not_taken_from_another_word() -> None:
    story = StoryText(language="en", url="x", passages=("Votes", "No", "It was Nora who came."))
    html = "<p>Votes</p><p>It was Nora who came.</p>"
    mail = replace(
        a_mail(html=html, text="Votes\n\nNo\n\nIt was Nora who came.\n"), stories=(story,)
    )
    assert [code for code, _problem in found(mail)] == ["story-html"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_title_of_one_letter_is_found_quickly(*, lost: bool) -> None:
    words = " ".join(f"A letter {number}." for number in range(4_000))
    story = StoryText(
        language="en", url="https://news.example.org/a/", passages=("A", "Only this.")
    )
    html = f"<p>A</p><p>{'' if lost else 'Only this.'}</p><p>{words}</p>"
    mail = replace(a_mail(html=html, text="A\n\nOnly this.\n"), stories=(story,))
    with at_most(10):
        assert [code for code, _problem in found(mail)] == ["story-html"] * lost


def column(number: int) -> StoryText:
    return replace(EN[1], url=f"https://news.example.org/en/stories/map/{number}/")


@pytest.mark.parametrize("count", [2, 20])
def test_stories_with_the_same_words_each_have_a_place(count: int) -> None:
    same = tuple(column(number) for number in range(count))
    assert found(made(same, same, same)) == []
    assert found(made((*same, EN[0]), (*same, EN[0]), (*same, EN[0]))) == []


def test_of_stories_with_the_same_words_none_may_be_lost() -> None:
    same = (column(1), column(2))
    assert found(made(same, same, same[:1])) == [
        ("story-text", "it is there once, and another story has the same words")
    ]


@pytest.mark.parametrize("longer_first", [False, True])
def test_a_story_whose_words_are_also_in_another_has_its_own_place(
    *, longer_first: bool
) -> None:
    short = replace(EN[0], url="https://x.example/", passages=EN[0].passages[::2])
    both = (EN[0], short) if longer_first else (short, EN[0])
    assert found(made(both, both, both)) == []


@pytest.mark.parametrize(
    "passages", [("\u200b",), ("\u200b", "\u2060"), ("",), (" ", "\ufeff")]
)
def test_a_story_without_visible_characters_is_not_expected(passages: tuple[str, ...]) -> None:
    nothing = StoryText(language="en", url="x", passages=passages)
    assert found(replace(a_mail(), stories=(nothing, *EN))) == []


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("item", ["a", "a b", "a{}"])
def test_a_list_of_many_short_items_is_compared_quickly(item: str, *, lost: bool) -> None:
    items = [item.format(number) for number in range(900)]
    story = StoryText(language="en", url="x", passages=("Votes", *items, "The end"))
    html = f"<h2>Votes</h2><ul>{''.join(f'<li>{one}</li>' for one in items[lost * 2 :])}</ul>"
    text = "\n".join(["Votes", *items[lost * 2 :], "The end"])
    mail = replace(a_mail(html=f"{html}<p>The end</p>", text=text), stories=(story,))
    with at_most(5):
        assert [code for code, _problem in found(mail)] == ["story-html", "story-text"] * lost


def test_a_lost_story_of_many_passages_is_noticed_quickly() -> None:
    story = StoryText(
        language="en", url="x", passages=tuple(f"No {n} here" for n in range(900))
    )
    words = " ".join(f"A letter {number}." for number in range(4_000))
    mail = replace(a_mail(html=f"<p>{words}</p>", text=words), stories=(story,))
    with at_most(5):
        assert [code for code, _problem in found(mail)] == ["story-html", "story-text"]


@pytest.mark.parametrize(
    "passage",
    [
        "Read https://news.example.org/en/stories/ferry/를 보세요 " * 4,
        "渡轮https://news.example.org/en/stories/ferry/渡轮等待潮水" * 4,
        "See https://news.example.org/en/stories/a-ferry-that-waits-for-the-tide/and more " * 3,
        "https://news.example.org/en/stories/the-ferry-that-always-waits-for-the-tide/한국어"
        * 3,
        "العبّارة https://news.example.org/ar/stories/ferry/العبّارة التي تنتظر " * 4,
    ],
)
def test_addresses_with_letters_behind_them_are_found_when_they_are_wrapped(
    passage: str,
) -> None:
    told = (replace(EN[0], passages=("Addresses", passage)),)
    assert found(made(told, told, told)) == []
