"""Messages as this program composes them, without and with faults."""

from dataclasses import replace
from html import escape

from publisher.assembly.gate_run import SAMPLE_RECIPIENT, SAMPLE_SECRET
from publisher.gate.mail import CheckedMail
from publisher.mail import compose_message
from publisher.rendering.model import StoryText
from publisher.rendering.placeholders import UNSUBSCRIBE_PLACEHOLDER
from tests.publisher.mail.samples import an_issue_mail

STORIES = {
    "en": (
        StoryText(
            language="en",
            url="https://news.example.org/en/stories/ferry/",
            passages=(
                "The ferry that waits for the tide",
                "For forty years the ferry left on the minute, whatever the water did.",
                "Then a pilot began to write down “when it turned back” — every time.",
            ),
        ),
        StoryText(
            language="en",
            url="https://news.example.org/en/stories/map/",
            passages=("A map of the harbour", "It shows what the fog hides."),
        ),
    ),
    "zh-Hans": (
        StoryText(
            language="zh-Hans",
            url="https://news.example.org/zh-Hans/stories/ferry/",
            passages=(
                "等待潮水的渡轮",
                "四十年来，渡轮总是准点开船，不管水势如何；直到一位引航员开始记录“它何时折返”。",
                "（他的 Moleskine 笔记本现在放在博物馆里。）",
            ),
        ),
    ),
    "ar": (
        StoryText(
            language="ar",
            url="https://news.example.org/ar/stories/ferry/",
            passages=(
                "العبّارة التي تنتظر المدّ",
                "أربعون عامًا والعبّارة تغادر في موعدها (07:30)، مهما كان حال الماء.",
            ),
        ),
    ),
}
PREHEADERS = {
    "en": "A map of the harbour · What the fog hides · Umbrellas",
    "zh-Hans": "港口地图 · 雾所隐藏的一切 · 出借雨伞的图书馆",
    "ar": "خريطة الميناء · ما يخفيه الضباب · المكتبة التي تعير المظلات",
}
SUBJECTS = {
    "en": "The week: The ferry that waits",
    "zh-Hans": "一周灯火：等待潮水的渡轮",
    "ar": "حصاد الأسبوع: العبّارة التي تنتظر المدّ",
}


def page_of(stories: tuple[StoryText, ...], preheader: str) -> str:
    """Lay out stories as HTML, after a table of contents."""
    contents = "".join(f"<tr><td>{escape(story.passages[0])}</td></tr>" for story in stories)
    told = "".join(
        f"<h2>{escape(story.passages[0])}</h2>\n"
        + "".join(f"<p>{escape(passage)}</p>\n" for passage in story.passages[1:])
        + f'<p><a href="{story.url}">&#8594;</a></p>\n'
        for story in stories
    )
    return (
        f'<!DOCTYPE html>\n<html><head><title>x</title></head><body><div style="color:#111111">'
        f'<p style="font-size:13px">{escape(preheader)}</p></div>\n<table>{contents}</table>\n'
        f'{told}<a href="{UNSUBSCRIBE_PLACEHOLDER}">x</a></body></html>\n'
    )


def text_of(stories: tuple[StoryText, ...]) -> str:
    """Lay out stories as text below the first line, each passage in a wrapped paragraph."""
    from publisher.rendering.plaintext import wrap_text

    language = stories[0].language
    told = "".join("\n\n".join((*story.passages, story.url)) + "\n\n" for story in stories)
    text = f"{PREHEADERS[language]}\n\n{told}{UNSUBSCRIBE_PLACEHOLDER}\n"
    return wrap_text(text, language)


def a_mail(
    language: str = "en", *, html: str | None = None, text: str | None = None, **letter: object
) -> CheckedMail:
    """Compose a mail without faults; the caller may change parts of it."""
    stories, preheader = STORIES[language], PREHEADERS[language]
    base = an_issue_mail(
        language,
        subject=SUBJECTS[language],
        html=html if html is not None else page_of(stories, preheader),
        text=text if text is not None else text_of(stories),
    )
    content = compose_message(replace(base, **letter), SAMPLE_RECIPIENT, SAMPLE_SECRET).content  # type: ignore[arg-type]  # as Letter has them
    return CheckedMail(
        content=content,
        language=language,
        hosts=frozenset({"news.example.org"}),
        preheader=preheader,
        stories=stories,
    )


def with_field(mail: CheckedMail, name: str, line: str | None) -> CheckedMail:
    """Replace a field by a line (or lines); None removes the field."""
    head, end, rest = mail.content.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    inside = False
    for one in head.split(b"\r\n"):
        if not one.startswith((b" ", b"\t")):
            inside = one.lower().startswith(f"{name.lower()}:".encode())
            if inside and line is not None:
                kept.append(line.encode())
        if not inside:
            kept.append(one)
    return replace(mail, content=b"\r\n".join(kept) + end + rest)
