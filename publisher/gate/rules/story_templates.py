"""Template code that an article shows to readers although it was meant for a program."""

from collections.abc import Iterator

from publisher.articles.content.parser import leftover_code
from publisher.gate.findings import Finding, html_error
from publisher.gate.mail import CheckedMail, clip_text, story_name
from publisher.i18n.messages import message

_LEFTOVER = html_error(
    code="story-template",
    fix="write in the article what it stands for, or put it into code (`...`)",
    why="Recipients would read a piece of a program instead of a value. Code may show it.",
)
RULES = (_LEFTOVER,)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the words of every story; what the story also shows as code is meant so."""
    for story in mail.stories:
        for code in leftover_code(story.passages, story.code):
            yield _LEFTOVER.finding(
                message(
                    "%(story)s contains %(code)s", story=story_name(story), code=clip_text(code)
                ),
                where="story",
            )
