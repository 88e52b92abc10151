"""A publication whose issues need approvals, and the people who edit and approve them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from publisher.accounts.model import Actor, Grant, Role, account_actor, terminal_actor
from publisher.accounts.store import NewAccount, add_account
from publisher.app.editing_state import EditingState
from publisher.app.issues.approvals import (
    ApprovalRequest,
    ApprovalView,
    approve_issues,
    read_approvals,
)
from publisher.issues import store
from publisher.issues.model import Issue
from publisher.testing import MemoryTransport
from subscribers.preferences import TextLength, load_preferences, store_preferences
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.printing import pipeline_of

DUE = NOW.replace(hour=0)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAME = "weekly-en-2026-01-09"
TERMINAL = terminal_actor()
# What mails to people with accounts have in the place of a newsletter.
TO_STAFF = "staff"
TITLES = {
    "en": ("Tides", "Gales"),
    "ar": ("المدّ ينتظر", "تهبّ العواصف"),
    "zh-Hans": ("潮水", "大风"),
    "zh-Hant": ("潮水", "大風"),
}


def newsletter(**terms: Any) -> dict[str, Any]:
    return {"schedule": "0 0 * * FRI", "approval": "one"} | terms


def fill(publication: PublicationFolder, *languages: str) -> None:
    """Write two stories in each language, and have a subscriber of each."""
    for tag in languages or ("en",):
        for key, title in zip(("tides", "gales"), TITLES[tag], strict=True):
            publication.write(f"{tag}/{key}.md", f"{title}.", title=title, date="2026-01-05")
        subscribe(publication, (f"ann-{tag.lower()}@example.com", tag))


def cycle(publication: PublicationFolder, at: datetime | None = None) -> MemoryTransport:
    """Run a cycle, by default at the publication's time, and return what took its mails to subscribers."""
    transport = cycle_with_all_mails(publication, at)
    transport.taken[:] = [one for one in transport.taken if not one.folder.startswith(TO_STAFF)]
    return transport


def cycle_with_all_mails(
    publication: PublicationFolder, at: datetime | None = None
) -> MemoryTransport:
    """Do the same, and return also the mails to people who work here."""
    transport = MemoryTransport()
    pipeline_of(publication.at(at) if at else publication, transport).run()
    return transport


def person(publication: PublicationFolder, name: str, *grants: Grant) -> Actor:
    """Add an account, by default an approver's of all languages, and sign it in."""
    email = f"{name}@example.org"
    given = grants or (Grant(Role.APPROVER),)
    with publication.database.writing() as connection:
        account = add_account(connection, NewAccount(email, name, "en", given), NOW)
    return account_actor(account, "192.0.2.0/24")


def prefer_full_texts(
    publication: PublicationFolder, email: str = "ann-en@example.com"
) -> None:
    """Let a subscriber choose another length than the newsletter's: a variant."""
    number = number_of(publication.database, email)
    with publication.database.writing() as connection:
        chosen = replace(load_preferences(connection, number), length=TextLength.FULL)
        store_preferences(connection, number, chosen, publication.clock.now())


def issue_of(publication: PublicationFolder, name: str = NAME) -> Issue:
    with publication.database.reading() as connection:
        found = store.issue_by_name(connection, name)
    assert found is not None
    return found


def manifest_of(publication: PublicationFolder, name: str = NAME) -> str:
    """Return what an approval of an issue has to name."""
    manifest = read_approvals(editing_state(publication), TERMINAL, name).manifest
    assert manifest is not None
    return manifest


def approve_issue(
    state: EditingState, actor: Actor, name: str, manifest: str, **more: Any
) -> ApprovalView:
    (done,) = approve_issues(state, actor, [ApprovalRequest(name, manifest, **more)])
    return done


def approve(publication: PublicationFolder, actor: Actor, name: str = NAME) -> ApprovalView:
    manifest = manifest_of(publication, name)
    return approve_issue(editing_state(publication), actor, name, manifest)
