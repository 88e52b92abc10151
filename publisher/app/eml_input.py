"""Reads a mail or a page from a file, of any origin, and runs the gate on it."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from publisher.app.check_result import CheckResult
from publisher.assembly.gate_run import GateRun
from publisher.errors import LanguageError, UsageError
from publisher.gate.checks import check_mail
from publisher.gate.findings import GateReport, MailPart
from publisher.gate.mail import CheckedMail
from publisher.languages import normalise

_PAGE_SUFFIXES = frozenset({".html", ".htm"})
# Rules that need a publication's settings.
_RULES_OF_SETTINGS = frozenset({"postal-address"})


def check_file(path: Path, lang: str | None) -> CheckResult:
    """Check a message (RFC 5322), or a page as the HTML part of one."""
    content = _read(path)
    is_page = path.suffix.lower() in _PAGE_SUFFIXES
    mail = _mail(_wrapped(content) if is_page else _as_sent(content))
    mail = replace(mail, language=_language(path, mail, lang))
    # The rest of a page's message is made here, so only the HTML part is checked.
    parts = frozenset({MailPart.HTML}) if is_page else frozenset(MailPart)
    found = (
        f
        for f in check_mail(mail).findings
        if f.rule.part in parts and f.code not in _RULES_OF_SETTINGS
    )
    report = GateReport(findings=tuple(found))
    subject = None if is_page else mail.decoded_header("Subject") or None
    return CheckResult(
        file=path,
        is_page=is_page,
        language=mail.language,
        subject=subject,
        proof=GateRun(mail, report),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror or error}") from None


def _as_sent(content: bytes) -> bytes:
    """Return the content with CR LF line ends; Unix programs store mail with LF."""
    return content if b"\r\n" in content else content.replace(b"\n", b"\r\n")


def _wrapped(page: bytes) -> bytes:
    html = page.decode("utf-8", "replace")
    message = EmailMessage(SMTP)
    message.set_content(_mail_of_html(html).document.visible_text or ".", cte="base64")
    message.add_alternative(html, subtype="html", cte="base64")
    return message.as_bytes()


def _mail_of_html(html: str) -> CheckedMail:
    message = EmailMessage(SMTP)
    message.set_content(html, subtype="html", cte="base64")
    return _mail(message.as_bytes())


def _mail(content: bytes) -> CheckedMail:
    """Return a message to check, of which only the content is known."""
    return CheckedMail(content=content, language="und", hosts=frozenset(), preheader="")


def _language(path: Path, mail: CheckedMail, lang: str | None) -> str:
    tag = lang or mail.header("Content-Language") or mail.document.root.get("lang")
    if not tag:
        raise UsageError(f"{path}: does not say which language it is in; give --lang")
    try:
        return normalise(tag)
    except LanguageError as error:
        raise UsageError(f"{path}: {error}") from None
