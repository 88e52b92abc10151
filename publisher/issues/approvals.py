"""What approvers sign of an issue, who has approved it, and whether that is enough.

A manifest is JSON of named parts, of all that subscribers get but for their own values, and its hash is what is
signed. The digest is a part by its own hash. What variants are rendered from later is its basis: articles, edits,
templates and settings. When somebody sends an issue, or holds it, is not a part. An approval counts while the issue has the
manifest that was signed, while whoever gave it may approve its language, and until the number of its recipients is
found to have moved far. Nobody approves an issue that he or she edited, unless nobody else could.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from publisher.accounts.model import PROGRAM, Account, Permission, permits
from publisher.accounts.store import list_accounts
from publisher.articles.model import Article
from publisher.articles.store import became_available, variants, with_known_people
from publisher.config import Edition, Settings
from publisher.config.choices import ApprovalPolicy, DigestKey
from publisher.config.publication import People
from publisher.i18n.messages import joined, message
from publisher.issues.digests import digest_of
from publisher.issues.editing import combined_edits, correction_by, edits_of
from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.tables import digest_table, issue_approval_table

# What the header of each message is made from, besides the subscriber.
_HEADER_PARTS = ("sender", "header", "dkim")
_WORDS = {
    "digest": message("its mail or its page"),
    "articles": message("articles that its subscribers may get"),
    "edits": message("what editors changed"),
    "templates": message("the templates"),
    "edition": message("the settings of its edition"),
    "languages": message("the languages of the newsletter"),
    "publication": message("the name, address or look of the publication"),
    "time": message("when it is due"),
    "sender": message("the sender"),
    "header": message("the header of its mails"),
    "dkim": message("the signatures of its mails"),
}

Manifest = Mapping[str, Any]


def manifest_text(parts: Manifest) -> str:
    """Return a manifest as it is stored and signed."""
    return json.dumps(parts, sort_keys=True, ensure_ascii=True)


def manifest_hash(text: str) -> str:
    """Return the SHA-256 of a stored manifest."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_manifest(text: str) -> Manifest:
    parts: Manifest = json.loads(text)
    return parts


def changed_parts(old: Manifest, new: Manifest) -> list[str]:
    """Return, in words, the parts in which two manifests differ."""
    names = [name for name in _WORDS if old.get(name) != new.get(name)]
    return [_WORDS[name] for name in names]


def header_changes(settings: Settings, language: str, manifest: Manifest) -> list[str]:
    """Return what of the header would differ from the manifest, by the settings of now."""
    now = _header_parts(settings, language)
    return [_WORDS[name] for name in _HEADER_PARTS if manifest.get(name) != now[name]]


def make_manifest(  # all that it is made from
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    digest: str,
    templates: str,
) -> Manifest:
    """Return the manifest of an issue with the hash of its digest, and of the templates."""
    edits = combined_edits(connection, issue.id)
    return {
        "digest": digest,
        "articles": basis_articles(connection, settings, issue, edits.pinned_at, edits.pinned),
        "edits": _hashed(_edits_of(asdict(edits))),
        "templates": templates,
        "edition": _hashed(_content_terms(edition) | {"audience": issue.audience}),
        "languages": list(_languages(settings, issue)),
        "publication": _hashed(_publication_terms(settings, edition.language)),
        "time": issue.due_at.astimezone(UTC).isoformat(),
        **_header_parts(settings, edition.language),
    }


def basis_articles(
    connection: Connection,
    settings: Settings,
    issue: Issue,
    pinned_at: datetime | None,
    pinned: Iterable[int],
) -> dict[str, str]:
    """Return the articles that an issue or one of its variants may show: hashes by id.

    These are all languages of the stories that came between the last selection and this one.
    """
    if issue.kind != IssueKind.REGULAR:
        return {}
    until, publication = issue.assembled_at or issue.due_at, settings.publication
    edition = settings.edition(issue.newsletter, issue.language)
    oldest = until - edition.max_age if edition else until
    since = issue.available_since
    found, _too_old = became_available(connection, publication.languages, since, until, oldest)
    known = variants(connection, {one.story_id for one in found}, until)
    known |= variants(connection, pinned, max(until, pinned_at or until))
    people = publication.people
    return {str(one.id): _shown_hash(people, one) for many in known.values() for one in many}


def _shown_hash(people: People, one: Article) -> str:
    """Return a hash of an article with the names that people.toml gives."""
    named = with_known_people(people, one)
    if named == one:
        return one.content_hash
    return _hashed([one.content_hash, named.bylines, named.translators, named.editor])


def _header_parts(settings: Settings, language: str) -> dict[str, Any]:
    publication, mailbox = settings.publication, settings.mailbox
    return {
        "sender": [*publication.sender_in(language)],
        "header": {
            "mailbox": (mailbox.address or "") if mailbox else "",
            "url": publication.url,
            "unsubscribe_by_web": settings.web.enabled,
        },
        "dkim": [[one.domain, one.selector] for one in settings.delivery.dkim],
    }


def _edits_of(edits: dict[str, Any]) -> dict[str, Any]:
    """Return what edits come to, without when: an edit that is undone leaves nothing."""
    del edits["pinned_at"]
    return edits | {"pinned": sorted(edits["pinned"])}


def _content_terms(edition: Edition) -> dict[str, Any]:
    """Return the settings of an edition that change what somebody gets."""
    names = ["newsletter", "language", "max_articles", "missing", "fallback", "content"]
    names += ["pictures", "local_time", "timezone", "only"]
    terms = {name: getattr(edition, name) for name in names}
    return terms | {
        "title": edition.title(edition.language),
        "blocks": sorted(edition.blocks),
        "max_age": edition.max_age.total_seconds(),
    }


def _publication_terms(settings: Settings, language: str) -> dict[str, Any]:
    publication, design = settings.publication, settings.publication.design
    return {
        "title": publication.title(language),
        "description": publication.description(language),
        "address": publication.address(language),
        "timezone": publication.timezone,
        "takes_requests": settings.takes_requests,
        "privacy": settings.joining.privacy(language) if settings.joining.privacy else "",
        "look": [design.accent, design.ground, design.headings],
        "logo": design.logo.target if design.logo else None,
    }


def _languages(settings: Settings, issue: Issue) -> Iterable[str]:
    newsletter = settings.newsletter(DigestKey.parse(issue.newsletter).newsletter)
    return [one.language for one in settings.editions(newsletter)] if newsletter else []


def _hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


# A list that grew or shrank by more people, or by more than a fifth, is looked at again. One or two
# people are more than a fifth of a small list, and no reason to hold an issue.
_MOST_MOVED = 1_000
_MOST_MOVED_SHARE = 0.2
_FEWEST_MOVED = 10


def is_far(before: int, now: int) -> bool:
    """Return whether whoever approved a plan for so many recipients is asked again."""
    most = min(_MOST_MOVED, max(_MOST_MOVED_SHARE * before, _FEWEST_MOVED - 1))
    return abs(now - before) > most


APPROVE, CHANGES = "approve", "changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """What somebody decided about a manifest. `account_id` is None for the terminal."""

    revision: int
    manifest: str
    verdict: str
    note: str
    actor: str
    account_id: int | None
    at: datetime
    plan_hash: str | None = None
    plan_counts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueApproval(NewApproval):
    """The same as it is stored. `lapsed` is why it does not count any more: the audience moved.

    `is_announced` says that mails have told of it: it asks for changes, or was struck.
    """

    id: int
    issue_id: int
    lapsed: str | None = None
    is_announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCount:
    """Whether the approvals of a manifest are enough.

    `approvers` are the names of those that count, `invalid` says why others do not, by the id of the row.
    """

    needed: int
    approvers: tuple[str, ...]
    invalid: Mapping[int, str]
    changes: tuple[str, ...] = ()
    lapsed: tuple[str, ...] = ()

    @property
    def is_enough(self) -> bool:
        return len(self.approvers) >= self.needed and not self.changes

    @property
    def reason(self) -> str | None:
        """Why it may not be sent, in one line; None if it may."""
        if self.is_enough:
            return None
        if self.changes:
            notes = "; ".join(self.changes)
            if not self.needed:
                # Lowering `approval` lets nothing go that somebody has objected to.
                return message(
                    "changes requested: %(notes)s; until it is changed, or they approve it",
                    notes=notes,
                )
            return message("changes requested: %(notes)s", notes=notes)
        given = message(
            "%(given)s of %(needed)s approvals", given=len(self.approvers), needed=self.needed
        )
        return joined(given, *self.lapsed)


def _why_invalid(
    row: IssueApproval, language: str, *, may_approve: bool, is_own: bool
) -> str | None:
    """Return why what somebody said does not count, None if it does."""
    if not may_approve:
        return message(
            "%(name)s may not approve %(language)s any more", name=row.actor, language=language
        )
    if row.lapsed:
        return row.lapsed
    if row.verdict == APPROVE and is_own:
        return message(
            "%(name)s has edited it, so somebody else has to approve it", name=row.actor
        )
    return None


def _able_to_approve(accounts: Iterable[Account], language: str) -> list[Account]:
    return [
        account
        for account in accounts
        if account.disabled_at is None and permits(account.grants, Permission.APPROVE, language)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    """What is stored about the approvals of an issue: its manifest, all verdicts in order, who edited it.

    `manifest` is None if the issue was made when nobody had to approve it. `editors` are the accounts with an edit
    that counts, None for the terminal.
    """

    issue: Issue
    policy: ApprovalPolicy
    manifest: str | None
    rows: tuple[IssueApproval, ...]
    accounts: Sequence[Account]
    editors: Collection[int | None]

    @property
    def signed(self) -> str | None:
        """The hash that an approval of the issue has to name."""
        return manifest_hash(self.manifest) if self.manifest else None

    @property
    def rows_that_may_count(self) -> list[IssueApproval]:
        """The verdicts about what the issue is now."""
        return [row for row in self.rows if row.manifest == self.signed]

    def signed_counts(self) -> dict[int, int]:
        """Return for how many recipients approvals that may count were given, by their ids."""
        language = self.issue.language
        return {
            row.id: row.plan_counts[language]
            for row in self.rows_that_may_count
            if row.verdict == APPROVE and not row.lapsed
            if row.plan_counts and language in row.plan_counts
        }

    def able_to_approve(self) -> list[str]:
        """Return the accounts that have a role to approve, and have not edited it, by their addresses."""
        able = _able_to_approve(self.accounts, self.issue.language)
        return [one.email for one in able if one.id not in self.editors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an issue may be sent: `reason` is why not, in one line, None if it may.

    `changes` are the parts, in words, that are not as they were signed. `lapsed` is why approvals do not
    count any more, by their ids: the number of recipients moved far.
    """

    reason: str | None
    count: ApprovalCount
    changes: Sequence[str]
    lapsed: Mapping[int, str]


def verdict(
    facts: ApprovalFacts, *, now: Manifest | None = None, recipients: int | None = None
) -> Verdict:
    """Decide whether the approvals of an issue let it go. Pure.

    `now` is the manifest that it would get now, and `recipients` how many would get it; None if that is not compared.
    """
    lapsed = {} if recipients is None else moved_far(facts, recipients)
    rows = [
        replace(row, lapsed=lapsed.get(row.id, row.lapsed)) for row in facts.rows_that_may_count
    ]
    count = _count(facts, rows)
    changes: list[str] = []
    reason = count.reason
    if now is not None and facts.manifest is None:
        changes = [message("nobody had to approve it")]
        reason = message("made when nobody had to approve it")
    elif now is not None and facts.manifest is not None:
        changes = changed_parts(read_manifest(facts.manifest), now)
    if changes and facts.manifest is not None:
        reason = message("changed since it was approved: %(parts)s", parts=changes)
    return Verdict(reason=reason, count=count, changes=changes, lapsed=lapsed)


def _count(facts: ApprovalFacts, rows: Iterable[IssueApproval]) -> ApprovalCount:
    """Count the verdicts about what an issue is now."""
    language = facts.issue.language
    able = {account.id for account in _able_to_approve(facts.accounts, language)}
    last = {row.account_id: row for row in rows}
    invalid: dict[int, str] = {}
    good: dict[int | None, str] = {}
    for person, row in last.items():
        may_approve, is_own = person is None or person in able, person in facts.editors
        why = _why_invalid(row, language, may_approve=may_approve, is_own=is_own)
        if why:
            invalid[row.id] = why
        elif row.verdict == APPROVE:
            good[person] = row.actor
    changes = tuple(
        f"{row.actor}: {row.note}"
        for row in last.values()
        if row.verdict == CHANGES and row.id not in invalid
    )
    return ApprovalCount(
        needed=facts.policy.needed,
        approvers=tuple(good.values()),
        invalid=invalid,
        changes=changes,
        lapsed=tuple(dict.fromkeys(row.lapsed for row in last.values() if row.lapsed)),
    )


def moved_far(facts: ApprovalFacts, recipients: int) -> dict[int, str]:
    """Return why approvals do not count for so many recipients, those of which that is so. Pure."""
    return {
        number: message(
            "recipients: %(before)s when it was approved, %(now)s now",
            before=before,
            now=recipients,
        )
        for number, before in facts.signed_counts().items()
        if is_far(before, recipients)
    }


def is_repeated(facts: ApprovalFacts, new: NewApproval) -> bool:
    """Return whether a person's last verdict is the same and counts: a form was posted twice."""
    own = [row for row in facts.rows if row.account_id == new.account_id]
    if not own:
        return False
    last = own[-1]
    # Who signs what the audience has become, or writes another note, says something new.
    names = ("verdict", "manifest", "plan_hash", "note")
    is_same = all(getattr(last, name) == getattr(new, name) for name in names)
    return is_same and last.id not in verdict(facts).count.invalid


def add_approval(connection: Connection, one: Issue, new: NewApproval) -> int:
    row = insert(issue_approval_table).values(issue_id=one.id, **asdict(new))
    return int(connection.execute(row.returning(issue_approval_table.c.id)).scalar_one())


def lapse_approvals(connection: Connection, reasons: Mapping[int, str]) -> None:
    """Have approvals not count any more, each with the reason by its id."""
    table = issue_approval_table
    for number, reason in reasons.items():
        connection.execute(update(table).where(table.c.id == number).values(lapsed=reason))


def mark_announced(connection: Connection, numbers: Sequence[int]) -> None:
    """Store that mails have told of verdicts, by their ids."""
    told = issue_approval_table.c.id.in_(numbers)
    connection.execute(update(issue_approval_table).where(told).values(is_announced=True))


def struck_approvals(
    rows: Iterable[IssueApproval], manifest: str | None
) -> list[IssueApproval]:
    """Return the approvals of people who have not said anything since the issue changed. Pure."""
    last = {row.actor: row for row in sorted(rows, key=lambda one: one.id)}
    return [row for row in last.values() if row.verdict == APPROVE and row.manifest != manifest]


def approved_before(connection: Connection, one: Issue) -> tuple[str, ...]:
    """Return who approved an issue that waits for approval, before it changed."""
    if one.state is not IssueState.AWAITING_APPROVAL:
        return ()
    manifest = stored_manifest(connection, one)
    signed = manifest_hash(manifest) if manifest else None
    return tuple(row.actor for row in struck_approvals(approvals_of(connection, one), signed))


def approvals_of(connection: Connection, one: Issue) -> list[IssueApproval]:
    """Return all verdicts about an issue in order, also about what it was before."""
    names = IssueApproval.__dataclass_fields__
    table = issue_approval_table
    query = select(*(table.c[name] for name in names)).where(table.c.issue_id == one.id)
    rows = connection.execute(query.order_by(table.c.id)).mappings()
    return [IssueApproval(**row) for row in rows]


def stored_manifest(connection: Connection, one: Issue) -> str | None:
    """Return the manifest of an issue's digest, None if it was made without."""
    query = select(digest_table.c.manifest).where(digest_table.c.issue_id == one.id)
    return connection.execute(query).scalar_one_or_none()


def approval_facts(connection: Connection, one: Issue, policy: ApprovalPolicy) -> ApprovalFacts:
    """Return what decides about an issue, with the roles of now."""
    accounts = list_accounts(connection)
    return ApprovalFacts(
        issue=one,
        policy=policy,
        manifest=stored_manifest(connection, one),
        rows=tuple(approvals_of(connection, one)),
        accounts=accounts,
        editors=editors_of(connection, one, accounts),
    )


def manifest_now(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    facts: ApprovalFacts,
    templates: str | None = None,
) -> Manifest:
    """Return the manifest that the frozen digest of an issue would get now.

    Without `templates` they are those that were signed: the digest is frozen, and whoever renders a
    variant compares them.
    """
    if templates is None:
        templates = read_manifest(facts.manifest)["templates"] if facts.manifest else ""
    sha256 = digest_of(connection, facts.issue).sha256
    return make_manifest(connection, settings, edition, facts.issue, sha256, templates)


def why_not_by(facts: ApprovalFacts, new: NewApproval) -> str:
    """Return why an approval by somebody would count for nothing; an empty text if it would count. Pure."""
    if new.actor in verdict(facts).count.approvers:
        return message("you have approved it")
    trial = stored_approval(facts, new, max((row.id for row in facts.rows), default=0) + 1)
    invalid = verdict(replace(facts, rows=(*facts.rows, trial))).count.invalid
    if trial.id not in invalid:
        return ""
    if new.account_id in facts.editors:
        return message("you have edited it, so somebody else has to approve it")
    return invalid[trial.id]


def stored_approval(facts: ApprovalFacts, new: NewApproval, number: int) -> IssueApproval:
    """Return a verdict as it is stored under an id."""
    return IssueApproval(**asdict(new), id=number, issue_id=facts.issue.id)


def editors_of(
    connection: Connection, one: Issue, accounts: Sequence[Account]
) -> set[int | None]:
    """Return who edited an issue, with the author of a correction; None is the terminal."""
    edits = edits_of(connection, one.id)
    by_people = (edit for edit in edits if edit.actor != PROGRAM)
    editors = {edit.account_id for edit in by_people if edit.undone_at is None}
    if one.kind == IssueKind.CORRECTION:
        author = correction_by(connection, one)[0].actor
        editors.add(next((a.id for a in accounts if a.email == author), None))
    return editors
