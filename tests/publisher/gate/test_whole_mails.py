"""The findings on mails of other tools: right, not too many, and readable.

The findings stand beside each mail; `python -m tests.publisher.gate.test_whole_mails` renews
them, and the difference is to be read.
"""

import pytest

from publisher.gate.checks import check_mail
from publisher.gate.findings import GateReport, MailPart
from tests.publisher.gate.pages import DATA, mail_of

# A template of a mailing service, with its tags; what MJML makes; a mail that was just written.
MAILS = {"soup": "en", "compiled": "ar", "plain": "en"}


def report(name: str) -> GateReport:
    html = (DATA / f"{name}.html").read_text(encoding="utf-8")
    return check_mail(mail_of(html, MAILS[name]))


def written(found: GateReport) -> str:
    lines = []
    for one in found.findings:
        if one.rule.part != MailPart.HTML or one.code.startswith("preheader"):
            continue
        place = f"{one.where}:{one.line}" if one.line else one.where
        times = f" (in {one.places} places)" if one.places > 1 else ""
        clients = f"\n    {', '.join(one.clients)}" if one.clients else ""
        lines.append(f"{one.severity} {one.code}: {place}: {one.problem}{times}{clients}\n")
    return "".join(lines)


@pytest.mark.parametrize("name", MAILS)
def test_the_findings_are_those_on_record(name: str) -> None:
    assert written(report(name)) == (DATA / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MAILS)
def test_the_findings_fit_on_two_pages(name: str) -> None:
    assert written(report(name)).count("\n") < 100


def test_text_with_a_size_of_its_own_is_visible_within_text_without_one() -> None:
    assert "preheader-hidden" not in {one.code for one in report("compiled").findings}


if __name__ == "__main__":
    for name in MAILS:
        (DATA / f"{name}.txt").write_text(written(report(name)), encoding="utf-8")
