"""How a recovery is printed: what is known of each issue since the copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import count_noun, make_table, rfc3339_or_none, stdout_console

if TYPE_CHECKING:
    from rich.console import Console

    from publisher.app.recover import RecoveredIssue, Recovery

_NAME_ALL = "Each machine that sends has to be named by --journal."
_NO_WITNESS = "This var/ has no witness, so its last mails may be lost: recover where there is one, and name this one there."
_COLUMNS = ("state", "sent", "not_sent", "in_doubt", "reason")


def show_recovery(
    found: Recovery, *, released: bool, is_shared: bool, names_none: bool
) -> None:
    """Print why nothing was sent, how much is known, and the issues about which a person may decide."""
    console = stdout_console()
    console.print(found.reason)
    if found.is_complete:
        console.print("Witness and journal have everything that was sent since.")
    elif is_shared and names_none:
        console.print(
            "Other machines may have sent, so what was due may have been sent. Name the var/ of each "
            "machine that sends by --journal; if there is one machine, its own"
        )
    else:
        console.print(
            f"Witness or journal are missing, or have gaps ({_lost(found)}): what was due may have been sent"
        )
        if is_shared:
            console.print(_NAME_ALL if found.has_own_witness else _NO_WITNESS)
    _show_departures(found, console)
    _show_issues(found, console)
    console.print(
        "Mail goes out again with the next run."
        if released
        else "Nothing is changed yet: add --release, and --sent, --send, --hold or --skip ISSUE to choose."
    )


def _show_departures(found: Recovery, console: Console) -> None:
    if found.left:
        who = count_noun(found.left, "subscriber")
        console.print(f"{who} left since, or their mail was returned: they get no mail again.")
    if not found.is_complete:
        since = f"{found.copied_at:%Y-%m-%d %H:%M} UTC" if found.copied_at else "then"
        console.print(
            f"Who left since {since} may not be known, and gets the next issue: take them off by hand."
        )


def _show_issues(found: Recovery, console: Console) -> None:
    shown = [one for one in found.issues if not one.is_merely_late]
    table = make_table("Issue", "State", "Surely sent", "Surely not", "In doubt", "Why")
    for one in shown:
        waiting = "not counted yet" if one.not_sent is None else str(one.not_sent)
        numbers = (str(one.sent), waiting, str(one.in_doubt))
        table.add_row(one.name, _state(one), *numbers, one.reason or "")
    console.print(table if shown else "No issue is concerned.")
    if late := len(found.issues) - len(shown):
        console.print(
            f"Skipped as too late: {count_noun(late, 'more issue')}; --json lists them."
        )
    if any(one.may_have_been_sent for one in found.issues):
        console.print(
            "The stories of issues that may have been sent go into the next one, for everybody. If you know that one was "
            "sent, say --sent ISSUE: its stories go to nobody again."
        )


def _lost(found: Recovery) -> str:
    # Where an earlier recovery jumped over numbers, any number of them may be lost.
    if not found.missing_pages:
        return "nobody knows how many transactions are lost"
    return f"at least {count_noun(found.missing_pages, 'transaction')} lost"


def _state(one: RecoveredIssue) -> str:
    return one.state.replace("_", " ") if one.state else "not in this database"


def recovery_as_json(found: Recovery, *, released: bool) -> dict[str, object]:
    """Return all that is known, for programs."""
    return {
        "reason": found.reason,
        "copied_at": rfc3339_or_none(found.copied_at),
        "complete": found.is_complete,
        "missing_pages": found.missing_pages,
        "left": found.left,
        "released": released,
        "issues": [
            {"issue": one.name} | {name: getattr(one, name) for name in _COLUMNS}
            for one in found.issues
        ],
    }
