"""When an issue is sent: `publisher pause`, `resume`, `cancel`, `publisher issues approve`, `send-now`, `hold`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from publisher.cli import common
from publisher.cli.common import Given
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.errors import IssueError, UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState


_DAY = "weekly 2026-01-09 --lang ar"


@common.command("issues approve", _DAY, takes="DIR --as --now --json")
def approve_command(  # noqa: PLR0913  # options
    given: Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    *,
    lang: arguments.LanguagesOption = None,
    manifest: str | None = None,
    plan: str | None = None,
    note: str = "",
) -> None:
    """Approve an issue as it is, for those who get it now, in all languages or none.

    --manifest HASH (what it is now): What was read, as `issues show` prints it.
    --plan HASH (what it is now): The plan that was read, as `publisher api readPlan` prints it for
        all languages.
    --note TEXT: What the others should know.
    """
    from publisher.app.issues.approvals import ApprovalRequest, ShownPlan, approve_issues

    shown = ShownPlan(plan) if plan else None
    with given.editing() as (state, actor):
        requests = [
            ApprovalRequest(name, _manifest(state, actor, name, manifest), note, shown)
            for name in arguments.find_names(newsletter, day, lang)(state)
        ]
        done = [approved.issue for approved in approve_issues(state, actor, requests)]
        arguments.print_issues(given, state, actor, done)


def _manifest(state: EditingState, actor: Actor, name: str, read: str | None) -> str:
    from publisher.app.issues.approvals import read_approvals

    if read is not None:
        return read
    manifest = read_approvals(state, actor, name).manifest
    if manifest is None:
        raise UsageError(
            f"{name}: there is nothing to approve; `publisher issues show` says why"
        )
    return manifest


@common.command("issues send-now", _DAY, takes="DIR --as --now --json")
def send_now_command(
    given: Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    *,
    lang: arguments.LanguagesOption = None,
) -> None:
    """Send an issue that is ready, after the time to undo it."""
    from publisher.app.issues.sending import send_now

    arguments.run_verb(given, arguments.find_names(newsletter, day, lang), send_now)


@common.command("issues hold", _DAY, takes="DIR --as --now --json")
def hold_command(
    given: Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    *,
    lang: arguments.LanguagesOption = None,
) -> None:
    """Keep an issue from being sent until it is scheduled or sent now."""
    from publisher.app.issues.sending import hold_issue

    arguments.run_verb(given, arguments.find_names(newsletter, day, lang), hold_issue)


@common.command("pause", _DAY, takes="DIR --as")
def pause_command(
    given: Given,
    newsletter: str,
    day: str = "",
    *,
    lang: arguments.LanguagesOption = None,
    note: str | None = None,
) -> None:
    """Stop sending until `resume`: an issue by its name, those of a day, or all of a newsletter.

    Mails that are being sent are completed.

    NEWSLETTER: A newsletter, or the name of an issue, like weekly-en-2026-01-09.
    [DAY]: With a newsletter: the date of its schedule, or "next".
    --note TEXT: The reason; `status` shows it.
    """
    chosen = arguments.ChosenIssues(newsletter, day, lang, ("sending",))
    _each(given, chosen, partial(pause_one, why=note))


@common.command("resume", _DAY, takes="DIR --as")
def resume_command(
    given: Given, newsletter: str, day: str = "", *, lang: arguments.LanguagesOption = None
) -> None:
    """Continue what is paused where it stopped; deferred mail is tried at once. Takes what `pause` takes.

    NEWSLETTER: A newsletter, or the name of an issue, like weekly-en-2026-01-09.
    [DAY]: With a newsletter: the date of its schedule, or "next".
    """
    _each(given, arguments.ChosenIssues(newsletter, day, lang, ("paused",)), resume_one)


@common.command("cancel", _DAY, takes="DIR --as")
def cancel_command(
    given: Given,
    newsletter: str,
    day: str = "",
    *,
    lang: arguments.LanguagesOption = None,
    note: str | None = None,
) -> None:
    """End sending an issue, or those of a day, for good: who has not got it will not get it.

    NEWSLETTER: A newsletter, or the name of an issue, like weekly-en-2026-01-09.
    [DAY]: With a newsletter: the date of its schedule, or "next".
    --note TEXT: The reason; `status` shows it.
    """
    chosen = arguments.ChosenIssues(newsletter, day, lang)
    _each(given, chosen, partial(cancel_one, why=note))


def pause_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    from publisher.app.issues.sending import pause_sending

    stopped = pause_sending(state, actor, name, why)
    sent, under_way, waiting = (f"{count:,}" for count in stopped)
    return f"{name} is paused: {sent} sent, {under_way} under way, {waiting} waiting"


def resume_one(state: EditingState, actor: Actor, name: str) -> str:
    from publisher.app.issues.sending import resume_sending

    resume_sending(state, actor, name)
    return f"{name} continues with the next run of delivery"


def cancel_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    from publisher.app.issues.sending import cancel_sending

    return f"{name} is cancelled: {_who_got_it(cancel_sending(state, actor, name, why))}"


def _each(given: Given, chosen: arguments.ChosenIssues, verb: Callable[..., str]) -> None:
    """Do it with each issue. One that refuses keeps no other one from being stopped."""
    day, directory = arguments.split_folder(chosen.day, given.directory)
    arguments.refuse_folder(directory, chosen.which)
    problems = []
    with replace(given, directory=directory).editing() as (state, actor):
        for name in chosen._replace(day=day).names(state, actor):
            try:
                echo(verb(state, actor, name))
            except IssueError as error:
                problems.append(str(error))
    if problems:
        raise IssueError("; ".join(problems))


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done
