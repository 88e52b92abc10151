"""Writing one recipient's message of 57 KB, beside the standard library's email package.

The issue is compiled once; what is told of it is the median over so many recipients, each with a
name, an address and links of her own. Reference is what the tests hold our bytes against.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from rich.table import Table

from publisher.mail import IssueMail, compile_mail
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
)
from publisher.testing import SECRET
from subscribers.model import Recipient
from tests.publisher.mail import reference
from tests.publisher.mail.samples import SUBJECTS, a_recipient, an_issue_mail
from tools.bench.sizes import size

COLUMNS = ("bytes", "compile, ms", "µs (median)", "nine in ten", "beside email")
BYTES = 57_000
RECIPIENTS, FEWER = size(20_000, smallest=20), size(100, smallest=2)
LANGUAGES = {"en": "Latin, quoted-printable", "zh-Hans": "Chinese, base64"}
# What the shipped digest has of a recipient, and all that a digest of one's own may have.
LEAVING = (ADDRESS_PLACEHOLDER, UNSUBSCRIBE_PLACEHOLDER, PREFERENCES_PLACEHOLDER)
EVERYTHING = (str(Placeholder(NAME_PLACEHOLDER, "dear reader")), *LEAVING, WEB_PLACEHOLDER)


def measure(table: Table) -> None:
    """Measure a Latin and a Chinese issue, with few places and with many."""
    for language, script in LANGUAGES.items():
        for places in (LEAVING, EVERYTHING):
            letter = _letter(language, places)
            start = time.perf_counter()
            compiled = compile_mail(letter, SECRET)
            compiling = time.perf_counter() - start
            recipients = [
                a_recipient(number, f"Ann Example {number}") for number in range(RECIPIENTS)
            ]
            ours = _seconds(partial(compiled.message, date=letter.date), recipients)
            theirs = _seconds(partial(_by_email, letter), recipients[:FEWER])
            median, slowest = statistics.median(ours), statistics.quantiles(ours, n=10)[-1]
            table.add_row(
                f"{script}, {2 * len(places)} places",
                f"{len(compiled.message(recipients[0], letter.date).content):,}",
                f"{1e3 * compiling:.1f}",
                f"{1e6 * median:.1f}",
                f"{1e6 * slowest:.1f}",
                f"{statistics.median(theirs) / median:,.0f} times",
            )


def _by_email(letter: IssueMail, recipient: Recipient) -> bytes:
    return reference.compose(letter, recipient, SECRET, letter.date)


def _seconds(
    write: Callable[[Recipient], object], recipients: Sequence[Recipient]
) -> list[float]:
    seconds = []
    for recipient in recipients:
        start = time.perf_counter()
        write(recipient)
        seconds.append(time.perf_counter() - start)
    return seconds


def _letter(language: str, places: Sequence[str]) -> IssueMail:
    """Make an issue whose message has as many bytes as is told, or a few more."""
    words = SUBJECTS[language]
    links = "".join(f"<p>{place}</p>\n" for place in places)
    foot = "".join(f"{place}\n" for place in places)
    number, length = 0, 0
    while length < BYTES:
        number += 1 + (BYTES - length) // 1000
        html = f"<!DOCTYPE html><html><body>{f'<p>{words}</p>' * number}{links}</body></html>\n"
        letter = an_issue_mail(language, html=html, text=f"{words}\n" * (number // 4) + foot)
        length = len(compile_mail(letter, SECRET).message(a_recipient(), letter.date).content)
    return letter
