"""Run the gate on each edition's next issue, on mails about subscriptions and on files; try templates. Nothing is stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from itertools import groupby
from pathlib import Path

from publisher.app.issues.dry_run import open_dry_run, preview_held, preview_next
from publisher.app.operation.cycle import Pipeline
from publisher.assembly.gate_run import SAMPLE_SECRET, GateRun
from publisher.assembly.preview import IssuePreview
from publisher.clock import Clock
from publisher.config import SETTINGS_FILE, Edition, Settings
from publisher.errors import IssueError, LanguageError, PublisherError, UsageError
from publisher.fault_isolation import isolated
from publisher.gate.checks import check_mail
from publisher.gate.findings import Finding, GateReport, MailPart
from publisher.gate.mail import CheckedMail
from publisher.ingest.problems import quarantined_items
from publisher.languages import autonym, normalise
from publisher.languages.catalogues import has_catalogue
from publisher.mail.dkim_keys import dns_record, load_signers
from publisher.notices.composer import NoticeComposer, sample_notices
from publisher.notices.ledger import QueuedNotice
from publisher.rendering.template_files import misspelt_templates
from publisher.site.writer import try_templates

_MOST_FILES = 20  # files that are held back, of which each is named


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result for one mail: an edition's next issue, a mail about a subscription, or a file.

    Also what was found in the settings and templates of the publication, which are no mails.

    `is_page`: the file is only the HTML part of a mail. `remark` is how the mail was made;
    `problem` is why there is none. Without `proof` there are no sizes and no findings.
    """

    language: str
    newsletter: str | None = None
    notice: str | None = None  # the kind of a mail about a subscription
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
        return self.proof.report.errors if self.proof else ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return self.proof.report.warnings if self.proof else ()

    @property
    def failed(self) -> bool:
        return self.problem is not None or bool(self.errors)


def check_editions(
    settings: Settings, editions: Iterable[Edition], clock: Clock, *, notices: bool = False
) -> Iterator[CheckResult]:
    """Yield results of settings and templates, of issues that were due, of next ones, and with `notices` of mails about subscriptions."""
    with open_dry_run(settings, clock) as pipeline:
        if notices:
            yield from _check_files(settings, pipeline)
            yield from _check_articles(settings, pipeline)
        for language, of_language in groupby(editions, key=lambda one: one.language):
            for edition in of_language:
                yield from _check_held(pipeline, edition)
                yield _check_next(pipeline, edition)
            if notices:
                yield from _check_notices(pipeline, language)


def _check_files(settings: Settings, pipeline: Pipeline) -> Iterator[CheckResult]:
    """Check what is not of one mail: the settings, templates of pages, and catalogues."""
    publication = settings.publication
    about = CheckResult(language=publication.default_language, file=Path(SETTINGS_FILE))
    for key, value in publication.examples().items():
        what = f"{key} is still an example: {value!r}. Write your own before mail is sent"
        yield replace(about, remark=what)
    sender = publication.sender
    if sender.name and len(publication.languages) > 1:
        what = f"the name of sender, {sender.name!r}, is the same in every language. Without it, as"
        what += f" {sender.address!r} alone, the name is the title in the language of the mail"
        yield replace(about, remark=what)
    for what in missing_words(settings):
        yield replace(about, remark=what)
    about = replace(about, file=Path("templates"))
    renderer, now = pipeline.renderer, pipeline.clock.now()
    faults, misspelt = list[str](), list[str]()
    with isolated("templates", faults.append):
        misspelt += misspelt_templates(settings.folders.root)
        try_templates(pipeline.settings, pipeline.database, renderer, now)
    for what in misspelt:
        yield replace(about, remark=what)
    for fault in faults + renderer.take_faults():
        yield replace(about, problem=fault)


def missing_words(settings: Settings) -> Iterator[str]:
    for newsletter in settings.newsletters:
        editions = settings.editions(newsletter)
        titles = [text for one in editions for text in one.title]
        lacking = [one.language for one in editions if not one.title.matching(one.language)]
        what = f"the title of {newsletter.name}"
        if lacking:
            yield f"{what} is missing in {_names(lacking)}; another language's is shown"
        elif len(editions) == len(titles) > len(set(titles)) == 1:
            yield f"{what}, {titles[0]!r}, is the same in all languages; write one per language if it has others"
    own, languages = (settings.folders.templates,), settings.publication.languages
    if wordless := [one for one in languages if not has_catalogue(one, own)]:
        what = f"the program's own words are English in {_names(wordless)}"
        yield f"{what}; docs/how-to/add-a-language-to-the-program.md says how to add them"


def _names(languages: Iterable[str]) -> str:
    return ", ".join(f"{autonym(one)} ({one})" for one in languages)


def _check_articles(settings: Settings, pipeline: Pipeline) -> Iterator[CheckResult]:
    """Name files of articles that are held back: nobody will get what they have."""
    about = CheckResult(settings.publication.default_language, file=Path("articles"))
    with pipeline.database.reading() as connection:
        held = quarantined_items(connection)
    for path, why in held[:_MOST_FILES]:
        yield replace(about, file=Path(path), remark=f"held back: {why}")
    if (more := len(held) - _MOST_FILES) > 0:
        yield replace(
            about, remark=f"{more:,} more are held back: publisher articles lists them"
        )


def _check_notices(pipeline: Pipeline, language: str) -> Iterator[CheckResult]:
    settings = pipeline.settings
    composer = NoticeComposer(settings, pipeline.renderer.system_mail, SAMPLE_SECRET)
    names = [one.name for one in settings.newsletters if settings.edition(one.name, language)]
    for row in sample_notices(names, language):
        if composer.can_send(row.kind):
            yield _check_notice(pipeline, composer, row)


def _check_notice(
    pipeline: Pipeline, composer: NoticeComposer, row: QueuedNotice
) -> CheckResult:
    result = CheckResult(row.language, notice=row.kind.value)
    try:
        with pipeline.database.reading() as connection:
            proof = composer.check(connection, row)
    except PublisherError as error:
        return replace(result, problem=str(error))
    return replace(result, subject=proof.mail.decoded_header("Subject"), proof=proof)


def _check_held(pipeline: Pipeline, edition: Edition) -> Iterator[CheckResult]:
    try:
        for preview in preview_held(pipeline, edition):
            yield _result(preview, "was due, and waits until this is mended")
    except PublisherError as error:
        yield replace(_without_mail(edition), problem=f"was due, and waits: {error}")


def _check_next(pipeline: Pipeline, edition: Edition) -> CheckResult:
    try:
        preview = preview_next(pipeline, edition)
    except IssueError as error:
        return replace(_without_mail(edition), remark=str(error))
    except PublisherError as error:
        return replace(_without_mail(edition), problem=str(error))
    remark = None
    if preview.why_not_new:
        remark = f"with its newest articles, since there are {preview.why_not_new}"
    return _result(preview, remark)


def _without_mail(edition: Edition) -> CheckResult:
    return CheckResult(edition.language, edition.newsletter)


def _result(preview: IssuePreview, remark: str | None) -> CheckResult:
    return replace(
        _without_mail(preview.edition),
        day=preview.issue.day,
        subject=preview.subject,
        articles=preview.articles,
        remark=remark,
        proof=preview.gate_run,
    )


_PAGE_SUFFIXES = frozenset({".html", ".htm"})
_RULES_OF_SETTINGS = frozenset({"postal-address"})  # rules that need a publication's settings


def check_file(path: Path, lang: str | None) -> CheckResult:
    """Check a message (RFC 5322), or a page as the HTML part of one."""
    content = _read(path)
    is_page = path.suffix.lower() in _PAGE_SUFFIXES
    if not is_page and b"\r\n" not in content:
        content = content.replace(b"\n", b"\r\n")  # Unix programs store mail with LF
    mail = _mail(_wrapped(content) if is_page else content)
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
        mail.language, file=path, is_page=is_page, subject=subject, proof=GateRun(mail, report)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror or error}") from None


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


def dkim_records(settings: Settings) -> list[str]:
    return [dns_record(signer).zone_line() for signer in load_signers(settings)]
