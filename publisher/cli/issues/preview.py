"""`publisher preview` and `publisher send`: an issue as a file, or as a test mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from publisher.cli import common
from publisher.cli.exit_codes import complain, echo
from publisher.cli.operation.check import count_findings
from publisher.clock import Clock

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues.preview import MailPreview
    from publisher.app.issues.send_test_mails import SentTest
    from publisher.config import Edition, Settings
    from publisher.rendering import Renderer


def preview_for(  # the options of the commands
    state: EditingState,
    renderer: Renderer,
    actor: Actor,
    edition: Edition,
    day: str | None,
    subscriber: str | None,
) -> MailPreview:
    """Return an edition's issue of a day, or its next one, as a subscriber gets it, or most do."""
    from publisher.app.issues import preview as use_cases

    what = use_cases.find_issue_name(edition, day) if day else edition
    viewer = (
        use_cases.find_viewer(state, actor, subscriber)
        if subscriber
        else use_cases.viewer_with_profile(edition.language)
    )
    return use_cases.preview_mail(state, renderer, actor, what, viewer)


def explain_choice(why_not_new: str | None, waiting: str) -> None:
    if waiting:
        echo(f"{waiting}.")
    if why_not_new:
        echo(
            f"It shows the newest articles: an issue would be skipped now, since there are {why_not_new}. "
            "publisher articles announce has articles of an archive mailed."
        )


_DEFAULT_OUT = Path("preview.html")


@common.command(
    "preview", "weekly --lang zh-Hant --out digest.html my-publication", takes="DIR --as --now"
)
def preview_command(  # the options of the command
    given: common.Given,
    newsletter: str,
    *,
    lang: str | None = None,
    out: Path | None = None,
    day: str | None = None,
    subscriber: str | None = None,
) -> None:
    """Write what the next issue would be if it were made now, or one that is there.

    Plans and sends nothing.

    NEWSLETTER: The newsletter's name.
    --lang TAG: The language; else the first.
    --out FILE (preview.html): Where to write it; .txt for plain text, .eml for the whole message.
    --day DATE (the next one): An issue that is there.
    --subscriber ADDRESS: As this subscriber gets it; its links do nothing.
    """
    clock, settings = given.clock, given.settings
    from publisher.app.issues.dry_run import open_preview
    from publisher.app.issues.lookup import find_edition

    edition = find_edition(settings, newsletter, lang)
    if not (day or subscriber or given.account):
        _write(settings, clock, edition, out or _DEFAULT_OUT)
        return
    with (
        given.editing() as (state, actor),
        open_preview(state, picks_up=day is None, subscriber=subscriber) as seen,
    ):
        mail = preview_for(*seen, actor, edition, day, subscriber)
    _write_mail(mail, out or _DEFAULT_OUT)


def _write(settings: Settings, clock: Clock, edition: Edition, out: Path) -> None:
    from publisher.app.issues.dry_run import open_dry_run, preview_next

    with open_dry_run(settings, clock) as pipeline:
        preview = preview_next(pipeline, edition)
    mail = preview.gate_run.mail
    parts: dict[str, str | bytes] = {".txt": mail.text, ".eml": mail.content}
    size = _write_file(out, parts.get(out.suffix, mail.html))
    echo(
        f"{preview.subject}\n{common.count_noun(preview.articles, 'article')}, {size} bytes: {out}"
    )
    explain_choice(preview.why_not_new, preview.waiting)
    echo(count_findings(preview.findings))


def _write_mail(mail: MailPreview, out: Path) -> None:
    parts: dict[str, str | bytes] = {".txt": mail.text, ".eml": mail.message}
    size = _write_file(out, parts.get(out.suffix, mail.html))
    echo(f"{mail.subject}\n{size} bytes: {out}")
    explain_choice(mail.source.why_not_new, mail.source.waiting)
    if mail.source.not_sent:
        echo(f"It is not sent: {mail.source.not_sent.sentence}.")
    echo(count_findings(mail.findings))


def _write_file(out: Path, content: str | bytes) -> int:
    if isinstance(content, str):
        content = content.replace("\r\n", "\n").encode()
    with common.writing_file(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    return len(content)


@common.command(
    "send",
    "weekly --to editor@example.org --lang en --lang ar my-publication",
    takes="DIR --as --now",
)
def send_command(  # the options of the command
    given: common.Given,
    newsletter: str,
    *,
    to: list[str],
    lang: list[str] | None = None,
    day: str | None = None,
    subscriber: str | None = None,
) -> None:
    """Send a test mail of an issue to some addresses, by the transport of all mail.

    No subscriber gets it, the ledger does not have it, and it may be sent again. Its
    subject says so, and its personal links do nothing.

    NEWSLETTER: The newsletter's name.
    --to ADDRESS: The recipient; need not be a subscriber. May be given several times.
    --lang TAG (the first): The edition. May be given several times.
    --day DATE (the next one): An issue that is there.
    --subscriber ADDRESS: As this subscriber gets it; its links do nothing.
    """
    from publisher.app.issues.dry_run import open_preview
    from publisher.app.issues.lookup import find_edition
    from publisher.app.issues.send_test_mails import send_tests

    with given.editing() as (state, actor):
        tags: list[str | None] = [*lang] if lang else [None]
        editions = [find_edition(state.settings, newsletter, tag) for tag in tags]
        with open_preview(state, picks_up=day is None, subscriber=subscriber) as (
            seen,
            renderer,
        ):
            previews = [
                preview_for(seen, renderer, actor, edition, day, subscriber)
                for edition in editions
            ]
            sent = send_tests(state, renderer, actor, previews, to)
    _print(sent)


def _print(sent: list[SentTest]) -> None:
    for mail in sent:
        if mail.problem is None:
            preview = mail.preview
            found = count_findings(preview.findings)
            echo(f"{preview.subject}: sent to {mail.address}. {found}")
        else:
            complain(f"{mail.address}: {mail.problem}", 1)
    if any(mail.problem for mail in sent):
        raise typer.Exit(1)
