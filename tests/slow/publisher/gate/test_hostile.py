"""The gate can check any bytes, and in time."""

import time

import pytest

from publisher.gate.checks import check_mail
from publisher.gate.mail import CheckedMail
from tests.publisher.gate.test_checks import is_readable, mail_of_bytes

# Seconds of work for the worst of them on a machine that is busy; each takes under three alone.
LONGEST = 60.0


def of_html(html: str) -> CheckedMail:
    head = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    return mail_of_bytes(head + html.encode(errors="surrogatepass"))


P = "<p style='color:#eee'>hello <b>x</b></p>"


HOSTILE = {
    "five megabytes": P * 130_000,
    "as much as is looked at": P * 7_300,
    "as many styles as elements": "".join(
        f"<p style='color:#{n:06x};padding:{n}px;font:{n}px/2 x'>h</p>" for n in range(4_000)
    ),
    "300 deep": "<div>" * 300 + "x",
    "20,000 deep": "<div class=a>" * 20_000 + "x",
    "many selectors for deep elements": "<style>"
    + "".join(f".a .a .a .a .a {{ color:#{n:06x} }}" for n in range(1_000))
    + f"</style>{'<div class=a>x' * 3_000}",
    "many selectors for siblings": "<style>"
    + "".join(f".a ~ .a ~ .a {{ color:#{n:06x} }}" for n in range(60))
    + f"</style>{'<i class=a>x</i>' * 1_000}",
    "many rules for many classes": "<style>"
    + "".join(f"p {{ color:#{n:06x} }}" for n in range(1_000))
    + "</style>"
    + "".join(f"<p class=a{n}>x" for n in range(2_000)),
    "brackets": f"<style>{'(' * 99_999}</style><p style='color:{'(' * 99_999}'>x",
    "braces": f"<style>{'@media x{' * 30_000}</style>x",
    "broken css": "<style>}}}{{{;;;:::@@@@ !important /* </style>x <p style='};;{:'>y",
    "white space before !important": f"<style>a{{b:c{' ' * 280_000}!</style>",
    "a query of white space": f"<style>@media (a:{' ' * 250_000}b{{p{{top:0}}}}</style>x",
    "conditions left open": "<!--[if " * 35_000 + "<![if x" * 5_000,
    "places of templates": "{{" * 50_000 + "{#" * 50_000 + "@@A" * 20_000 + "*|A" * 9_000,
    "attributes": f"<p {' '.join(f'on{n}=1' for n in range(15_000))}>",
    "links": "".join(f"<a href='https://x.org/{n}'>read</a>" for n in range(3_000)),
    "sources": f'<img srcset="{"a, " * 90_000}"><p style="background:{"url(a)," * 900}">x',
    "document types": '<!doctype html public "a" \'' * 9_000,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_html_is_checked_in_time(html: str) -> None:
    begun = time.process_time()
    report = check_mail(of_html(html))
    assert time.process_time() - begun < LONGEST
    assert is_readable(report)
    assert report.errors
