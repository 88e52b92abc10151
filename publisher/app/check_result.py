"""What a check of one mail found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from publisher.assembly.gate_run import GateRun
from publisher.gate.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result for one mail: an edition's next issue, a mail about a subscription, or a file.

    Also what was found in the settings and templates of the publication, which are no mails.

    `is_page`: the file is only the HTML part of a mail. `remark` is how the mail was made;
    `problem` is why there is none. Without `proof` there are no sizes and no findings.
    """

    language: str
    newsletter: str | None = None
    # The kind of a mail about a subscription.
    notice: str | None = None
    day: date | None = None
    file: Path | None = None
    is_page: bool = False
    subject: str | None = None
    articles: int | None = None
    remark: str | None = None
    problem: str | None = None
    proof: GateRun | None = None

    @property
    def name(self) -> str:
        """Its name for people."""
        return " ".join(
            str(part) for part in (self.newsletter, self.notice, self.day, self.file) if part
        )

    @property
    def is_mail(self) -> bool:
        """Whether it is about a mail or a page in a file, and not about other files of the publication."""
        return self.file is None or self.proof is not None

    @property
    def sizes(self) -> dict[str, int] | None:
        """Sizes in bytes: the decoded parts, and the HTML and the message as sent."""
        if self.proof is None:
            return None
        mail = self.proof.mail
        part = mail.html_part
        return {
            "html": len(mail.html.encode(errors="replace")),
            "html_sent": len(str(part.get_payload())) if part is not None else 0,
            "text": len(mail.text.encode(errors="replace")),
            "message": len(mail.content),
        }

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that stop the mail."""
        return self.proof.report.errors if self.proof else ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that do not stop the mail."""
        return self.proof.report.warnings if self.proof else ()

    @property
    def failed(self) -> bool:
        """Whether the mail can't be sent as it is."""
        return self.problem is not None or bool(self.errors)
