"""Mails whose HTML is sound, and the same with a fault."""

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from string import Template
from types import ModuleType
from typing import NamedTuple

from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail
from publisher.rendering.model import StoryText
from tests.tables import facts

DATA = Path(__file__).parent / "data"
HOST = "news.example.org"
ADDRESS = "1 Example Street\nExample City"

WORDS = {
    "en": {
        "dir": "ltr",
        "start": "left",
        "fonts": "-apple-system, 'Segoe UI', Roboto, Arial, sans-serif",
        "title": "The week",
        "picture": "A ferry at low tide",
        "headline": "The ferry that waits for the tide",
        "text": "For forty years the ferry left on the minute, whatever the water did. Then a "
        "pilot began to write down what the river wanted.",
        "more": "Continue reading",
        "leave": "Unsubscribe",
        "online": "View in browser",
    },
    "zh-Hant": {
        "dir": "ltr",
        "start": "left",
        "fonts": "'PingFang TC', 'Microsoft JhengHei', Arial, sans-serif",
        "title": "一週",
        "picture": "退潮時的渡輪",
        "headline": "學會等待潮水的渡輪",
        "text": "四十年來，渡輪總是準點開船，不管水勢如何。後來一位引航員開始記錄河流的脾氣，"
        "時刻表終於讓步了。四十年來，渡輪總是準點開船，不管水勢如何。",
        "more": "繼續閱讀",
        "leave": "退訂",
        "online": "在瀏覽器中檢視",
    },
    "ar": {
        "dir": "rtl",
        "start": "right",
        "fonts": "'Segoe UI', Tahoma, 'Geeza Pro', Arial, sans-serif",
        "title": "الأسبوع",
        "picture": "عبّارة عند الجزر",
        "headline": "العبّارة التي تعلّمت انتظار المدّ",
        "text": "على مدى أربعين عامًا كانت العبّارة تنطلق في موعدها مهما فعل الماء. ثم بدأ أحد "
        "المرشدين يدوّن ما يريده النهر، فتغيّر الجدول.",
        "more": "متابعة القراءة",
        "leave": "إلغاء الاشتراك",
        "online": "عرض في المتصفح",
    },
}


def sound(language: str = "en") -> str:
    """Return an HTML part without faults."""
    page = Template((DATA / "sound.html").read_text(encoding="utf-8"))
    return page.substitute(WORDS[language], lang=language)


def changed(old: str, new: str, language: str = "en") -> str:
    """Return the sound page with `old`, which must be there, replaced."""
    page = sound(language)
    assert old in page, old
    return page.replace(old, new)


def with_content(content: str, language: str = "en") -> str:
    """Return the sound page with more content."""
    return changed("<h2", f"{content}\n<h2", language)


def with_style(css: str) -> str:
    """Return the sound page with another <style> at the end of its head."""
    return changed("</head>", f"<style>\n{css}\n</style>\n</head>")


def mail_of(
    html: str,
    language: str = "en",
    *,
    hosts: frozenset[str] = frozenset({HOST}),
    address: str = ADDRESS,
    stories: tuple[StoryText, ...] = (),
    encoding: str = "base64",
) -> CheckedMail:
    """Put an HTML part into a message."""
    message = EmailMessage(SMTP)
    message["From"] = "press@news.example.org"
    message["To"] = "reader@example.com"
    message["List-Unsubscribe"] = f"<https://{HOST}/unsubscribe/?t=y>, <mailto:press@{HOST}>"
    message["Archived-At"] = f"<https://{HOST}/weekly/2026-01-09/>"
    message.set_content("x")
    message.add_alternative(html, subtype="html", cte=encoding)
    return CheckedMail(
        content=message.as_bytes(),
        language=language,
        hosts=hosts,
        preheader="",
        address=address,
        stories=stories,
    )


class Fault(NamedTuple):
    """A fact, the rule that it breaks, and an HTML part that shows it."""

    fact: str
    code: str
    html: str
    language: str = "en"


def inside(fact: str, code: str, content: str, language: str = "en") -> Fault:
    """Return a fault of what is more in the sound page."""
    return Fault(fact, code, with_content(content, language), language)


def instead(fact: str, code: str, old: str, new: str, language: str = "en") -> Fault:
    """Return a fault of what stands in the sound page instead of something else."""
    return Fault(fact, code, changed(old, new, language), language)


def celled(style: str, attributes: str = "") -> str:
    return with_content(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td {attributes} style="{style}">x</td></tr></table>'
    )


def set_in(style: str, language: str = "en") -> str:
    return changed('<p style="margin:12px 0 0 0">', f'<p style="margin:0; {style}">', language)


def linked(href: str, text: str = "the story", attributes: str = "") -> str:
    return with_content(f'<p>In <a href="{href}" {attributes}>{text}</a></p>')


def known_faults(module: str) -> list[Fault]:
    """Read the faults that a module of rules finds from the table beside the sound page.

    A line has the module, the rule's code, the fact, the language, and how the page is made: what takes the
    place of what; or of what it has more: + any content, a cell, a link, a paragraph's style (text), CSS.
    """
    return [
        Fault(fact, code, _made(how, language, *parts), language)
        for code, fact, language, how, *parts in facts(DATA / "faults.tsv", module)
    ]


def accepted(module: str) -> list[Fault]:
    """Read what breaks no rule of a module: the fact, the language, and how the page is made, as above."""
    return [
        Fault(fact, "", _made(how, language, *parts), language)
        for fact, language, how, *parts in facts(DATA / "accepted.tsv", module)
    ]


def _made(how: str, language: str, part: str, *others: str) -> str:
    match how:
        case "+":
            return with_content(part, language)
        case "text":
            return set_in(part, language)
        case "cell":
            return celled(part, *others)
        case "link":
            return linked(part, *others)
        case "css":
            return with_style(part)
    return changed(how, part, language)


def findings(module: ModuleType, html: str, language: str = "en") -> list[Finding]:
    return list(module.check(mail_of(html, language)))


def codes(module: ModuleType, html: str, language: str = "en") -> list[str]:
    """Return the codes of the findings of one module of rules, each once."""
    return list(dict.fromkeys(finding.code for finding in findings(module, html, language)))
