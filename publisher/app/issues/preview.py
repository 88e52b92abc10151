"""The mail of an issue as one subscriber would get it, made by the code that sends it.

An issue that is frozen is shown as it was frozen; any other is rendered as it would be now. What a subscriber gets, the
digest or a variant, is decided by the functions that open ledgers. Nothing is written, and the links of a preview are
signed with a key that no page accepts: they never unsubscribe anybody.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from publisher import errors
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues.lookup import require_edition, require_issue
from publisher.app.subscribers.uploaded_lists import reason_sentence
from publisher.articles.model import Article
from publisher.articles.store import articles_by_id, variants
from publisher.assembly import preview as previews
from publisher.assembly.assemble import digest_hash, variant_content
from publisher.assembly.gate_run import GateRun, render_passing_digest
from publisher.config import Edition, Settings
from publisher.delivery.causes import ARTICLES_WITHDRAWN, Cause
from publisher.delivery.job import issue_mail
from publisher.delivery.ledger.audience import AudienceOfIssue, Choice, Viewer, own_choice
from publisher.gate.findings import finding_data
from publisher.gate.mail import CheckedMail
from publisher.issues.digests import IssueVariant, article_ids_of_variant
from publisher.issues.model import Issue, IssueState, issue_name
from publisher.issues.store import chosen_articles
from publisher.issues.tables import digest_table, issue_variant_table, revised_page_table
from publisher.mail import compile_mail
from publisher.rendering import Digest, Renderer
from subscribers.audiences import load_recipients
from subscribers.errors import BadAddressError
from subscribers.model import Recipient, Subscriber
from subscribers.preferences import Profile, load_preferences, profile_of, profile_text
from subscribers.store import find_subscriber, load_subscriber

# Issues whose articles are not selected yet: their mail is what would be selected now.
_UNSELECTED = (IssueState.SCHEDULED, IssueState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSource:
    """What is mailed, with placeholders. `sha256` is the hash of the digest or variant.

    `is_frozen` says that exactly this is sent; otherwise it is rendered as of now. `is_variant` says
    that most subscribers get something else. `not_sent` is why the viewer gets nothing.
    """

    issue: Issue
    subject: str
    preheader: str
    html: str
    text: str
    page: str
    sha256: str
    findings: Sequence[dict[str, Any]]
    due_at: datetime
    is_frozen: bool
    is_variant: bool = False
    not_sent: Cause | None = None
    why_not_new: str | None = None
    waiting: str = ""


def find_source(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    what: Issue | Edition,
    viewer: Viewer,
    now: datetime,
) -> MailSource:
    """Return a viewer's mail. Raise IssueError if there is none, RenderingError or DeliveryError if it can't be made."""
    maker = _Maker(connection, settings, renderer, viewer, now)
    if isinstance(what, Edition):
        return maker.of_next(what)
    edition = require_edition(settings, what)
    if what.state in _UNSELECTED:
        return maker.of_next(edition, what)
    return maker.of_issue(edition, what)


# What a mail has of its digest or variant, frozen or not.
_PARTS = ("subject", "preheader", "html", "text")


@dataclass(frozen=True, slots=True)
class _Maker:
    connection: Connection
    settings: Settings
    renderer: Renderer
    viewer: Viewer
    now: datetime

    def of_next(self, edition: Edition, issue: Issue | None = None) -> MailSource:
        """Return the mail of an issue whose articles are not selected yet."""
        preview = previews.preview_issue(
            self.connection, self.settings, self.renderer, edition, self.now
        )
        if issue is not None:
            since, more = preview.issue.available_since, preview.issue.more
            selected = replace(issue, assembled_at=self.now, available_since=since, more=more)
            preview = replace(preview, issue=selected)
        chosen = [(one.article.story_id, one.article.id) for one in preview.content.items]
        own = Choice(tuple(chosen), edition.max_articles, preview.issue.more)
        return self._of_viewer(edition, preview.issue, own, self._rendered(preview))

    def of_issue(self, edition: Edition, issue: Issue) -> MailSource:
        audience = AudienceOfIssue(self.connection, self.settings, edition, issue, self.now)
        row = audience.row(self.viewer)
        own = self._frozen(issue) or self._held(edition, issue)
        if row is None:
            return self._of_viewer(edition, issue, own_choice(self.connection, issue), own)
        source = own if row.variant_id is None else self._variant(issue, own, row.variant_id)
        return replace(source, due_at=row.due_at, not_sent=row.cause)

    def _frozen(self, issue: Issue) -> MailSource | None:
        revised = revised_page_table.c
        query = select(digest_table, revised.page.label("revised")).outerjoin(
            revised_page_table, revised.issue_id == digest_table.c.issue_id
        )
        row = self.connection.execute(
            query.where(digest_table.c.issue_id == issue.id)
        ).one_or_none()
        if row is None or issue.state is IssueState.ASSEMBLING:
            return None
        return MailSource(
            issue=issue,
            page=row.revised or row.page,
            due_at=issue.due_at,
            is_frozen=True,
            **_taken(row, *_PARTS, "sha256", "findings"),
        )

    def _held(self, edition: Edition, issue: Issue) -> MailSource:
        place = (self.connection, self.settings, self.renderer, edition, issue)
        preview = previews.preview_held_issue(*place)
        if preview is None:
            raise issue.saying("%(issue)s: all its articles were withdrawn")
        return self._rendered(preview)

    def _rendered(self, preview: previews.IssuePreview) -> MailSource:
        page = self.renderer.issue_page(preview.content)
        source = _made(preview.issue, (preview.digest, preview.gate_run), page)
        sha256 = digest_hash(preview.digest, page)
        source = replace(source, sha256=sha256, waiting=preview.waiting)
        return replace(source, why_not_new=preview.why_not_new)

    def _of_viewer(
        self, edition: Edition, issue: Issue, own: Choice, digest: MailSource
    ) -> MailSource:
        """Return what somebody without a row in the ledger would get."""
        audience = AudienceOfIssue(self.connection, self.settings, edition, issue, self.now)
        excluded = audience.exclusion(self.viewer)
        content = audience.content(own, self.viewer)
        if isinstance(content, Cause):
            return replace(digest, not_sent=excluded or content)
        if own.is_digest(content):
            return replace(digest, not_sent=excluded)
        numbers = [article for _story, article in content.articles]
        issue = replace(issue, more=content.more)
        other = self._other(issue, digest, numbers, content.length)
        return replace(other, not_sent=excluded)

    def _variant(self, issue: Issue, digest: MailSource, number: int) -> MailSource:
        """Return a variant as it is stored, or rendered if it is not yet."""
        query = select(issue_variant_table).where(issue_variant_table.c.id == number)
        row = self.connection.execute(query).one()
        if row.sha256 is None:
            variant = IssueVariant(row.id, row.issue_id, row.length, row.more)
            numbers = article_ids_of_variant(self.connection, variant)
            return self._other(replace(issue, more=row.more), digest, numbers, row.length)
        taken = _taken(row, *_PARTS, "sha256", "findings")
        return replace(digest, **taken, is_variant=True)

    def _other(
        self, issue: Issue, digest: MailSource, numbers: Sequence[int], length: str | None
    ) -> MailSource:
        content = variant_content(self.connection, self.settings, issue, numbers, length)
        if not content.items:
            return replace(digest, not_sent=ARTICLES_WITHDRAWN)
        found = render_passing_digest(self.settings.publication, self.renderer, issue, content)
        # Its mails lead to the issue's own page.
        return replace(_made(issue, found, digest.page), is_variant=True)


def _made(issue: Issue, found: tuple[Digest, GateRun], page: str) -> MailSource:
    digest, gate_run = found
    return MailSource(
        issue=issue,
        page=page,
        sha256=digest_hash(digest, ""),
        findings=[finding_data(one) for one in gate_run.report.findings],
        due_at=issue.due_at,
        is_frozen=False,
        **_taken(digest, *_PARTS),
    )


def _taken(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


# Whom a mail is addressed to that is seen as by nobody in particular. example.com is reserved (RFC
# 2606 section 3). The id has ten digits, since a recipient's links grow with it.
_NOBODY = Recipient(
    id=2**31 - 1, address="subscriber@example.com", name="", language="en", timezone=None
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An issue, by its name, or an edition's next issue, and as whom it is seen."""

    what: str | Edition
    viewer: Viewer


@dataclass(frozen=True, kw_only=True)
class MailPreview:
    """One mail, complete: `message` is what a server would get, unsigned; `findings` are those of the gate, as in `--json`."""

    source: MailSource
    viewer: Viewer
    recipient: Recipient
    message: bytes

    @property
    def issue(self) -> Issue:
        return self.source.issue

    @cached_property
    def _checked(self) -> CheckedMail:
        return CheckedMail(
            content=self.message,
            language=self.issue.language,
            hosts=frozenset(),
            preheader=self.source.preheader,
        )

    @property
    def html(self) -> str:
        """The HTML part, decoded, with the viewer's own values."""
        return self._checked.html

    @property
    def text(self) -> str:
        """The text part, decoded, with the viewer's own values."""
        return self._checked.text

    @property
    def page(self) -> str:
        return self.source.page

    @property
    def findings(self) -> Sequence[dict[str, Any]]:
        return self.source.findings

    @property
    def subject(self) -> str:
        return self._checked.decoded_header("Subject")

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The header as it is sent: names and raw values, unfolded."""
        raw = self.message.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        lines = raw.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
        parts = (line.partition(":") for line in lines)
        return [(name, value.strip()) for name, _colon, value in parts]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of the HTML part, the text part, the page and the whole message."""
        texts = {"html": self.html, "text": self.text, "page": self.page}
        return {name: len(text.encode()) for name, text in texts.items()} | {
            "message": len(self.message)
        }


def preview_mail(
    state: EditingState, renderer: Renderer, actor: Actor, what: str | Edition, viewer: Viewer
) -> MailPreview:
    """Return the mail of an issue, by its name, or of an edition's next issue, as a viewer gets it."""
    _require_viewing(actor, viewer)
    now = state.clock.now()
    with state.database.reading() as connection:
        issue = require_issue(connection, what) if isinstance(what, str) else what
        source = find_source(connection, state.settings, renderer, issue, viewer, now)
        recipient = _recipient(connection, viewer)
    return _addressed(state, source, viewer, recipient)


def preview_for_nobody(state: EditingState, source: MailSource) -> MailPreview:
    """Return the mail of a source that is no issue's, to nobody in particular."""
    viewer = viewer_with_profile(source.issue.language)
    return _addressed(state, source, viewer, replace(_NOBODY, language=viewer.language))


def _addressed(
    state: EditingState, source: MailSource, viewer: Viewer, recipient: Recipient
) -> MailPreview:
    mail = issue_mail(state.settings, source.issue, source)
    message = compile_mail(mail, dead_link_secret(state.secret)).message(
        recipient, source.due_at
    )
    return MailPreview(
        source=source, viewer=viewer, recipient=recipient, message=message.content
    )


def find_issue_name(edition: Edition, day: str) -> str:
    """Return the name of an edition's issue; raise UsageError for what is no date."""
    try:
        return issue_name(edition.newsletter, edition.language, date.fromisoformat(day))
    except ValueError:
        raise errors.UsageError.saying(
            "%(day)s is no date; write one like 2026-01-09", day=repr(day)
        ) from None


def _require_viewing(actor: Actor, viewer: Viewer) -> None:
    actor.require(Permission.VIEW)
    if viewer.subscriber_id is not None:
        actor.require(Permission.SEE_SUBSCRIBERS)


def find_viewer(state: EditingState, actor: Actor, who: str | int) -> Viewer:
    """Return a subscriber, by address or number, to see what he or she gets; raise UsageError if there is none."""
    actor.require(Permission.SEE_SUBSCRIBERS)
    with state.database.reading() as connection:
        try:
            if isinstance(who, str):
                person = find_subscriber(connection, who)
            else:
                person = load_subscriber(connection, who)
        except BadAddressError as error:
            raise errors.UsageError(reason_sentence(str(error))) from None
        if person is None:
            raise errors.UsageError.saying("%(name)s: no such subscriber", name=str(who))
        actor.require(Permission.SEE_SUBSCRIBERS, person.language)
        return _viewer(connection, person)


def preview_mails(
    state: EditingState, renderer: Renderer, actor: Actor, shown: Sequence[Shown]
) -> list[MailPreview | errors.PublisherError]:
    """Return several mails; in the place of one that can't be made stands why."""

    def attempt(one: Shown) -> MailPreview | errors.PublisherError:
        try:
            return preview_mail(state, renderer, actor, one.what, one.viewer)
        except (errors.IssueError, errors.RenderingError, errors.DeliveryError) as error:
            return error

    return [attempt(one) for one in shown]


@dataclass(frozen=True, slots=True)
class ComparedStory:
    """A story beside its translations, by language: the article that the issue in a language has, and those that only exist in it."""

    shown: Mapping[str, Article]
    unused: Mapping[str, Article]


def compare_stories(
    state: EditingState, actor: Actor, wanted: Mapping[str, str | Edition]
) -> list[ComparedStory]:
    """Return the stories of an issue, or of the next one, in some languages, in the order of the first; nothing is rendered."""
    actor.require(Permission.VIEW)
    now = state.clock.now()
    with state.database.reading() as connection:
        chosen = {
            language: _chosen(connection, state.settings, what, now)
            for language, what in wanted.items()
        }
        stories = dict.fromkeys(story for pairs in chosen.values() for story in pairs)
        numbers = [number for pairs in chosen.values() for number in pairs.values()]
        texts = articles_by_id(connection, numbers)
        existing = variants(connection, stories, now)
    compared = []
    for story in stories:
        shown = {
            tag: texts[pairs[story]]
            for tag, pairs in chosen.items()
            if pairs.get(story) in texts
        }
        others = {one.language: one for one in existing.get(story, ())}
        unused = {tag: others[tag] for tag in chosen if tag in others and tag not in shown}
        compared.append(ComparedStory(shown, unused))
    return compared


def _chosen(
    connection: Connection, settings: Settings, what: str | Edition, now: datetime
) -> dict[int, int]:
    """Return ids of articles by story, in their order; of an edition that has nothing, none."""
    issue = require_issue(connection, what) if isinstance(what, str) else None
    if issue is not None and issue.state not in _UNSELECTED:
        return dict(chosen_articles(connection, issue))
    edition = require_edition(settings, issue) if issue else what
    assert isinstance(edition, Edition)  # noqa: S101  # a name has found its issue
    try:
        selection, _why = previews.next_selection(connection, settings, edition, now)
    except errors.IssueError:
        return {}
    return {one.story_id: one.id for one in selection.chosen}


def viewer_with_profile(language: str, profile: Profile | None = None) -> Viewer:
    """Return nobody in particular, who reads a language, and has chosen something of the issues."""
    return Viewer(language=language, profile=profile_text(profile or Profile()))


def dead_link_secret(secret: str) -> str:
    """Return what signs the links of previews and tests, which no page accepts. Tokens are as long as real ones, so sizes are right."""
    return hmac.digest(secret.encode(), b"links that do nothing", "sha256").hex()


def _viewer(connection: Connection, person: Subscriber) -> Viewer:
    profile = profile_text(profile_of(load_preferences(connection, person.id)))
    return Viewer(language=person.language, profile=profile, subscriber_id=person.id)


def _recipient(connection: Connection, viewer: Viewer) -> Recipient:
    if viewer.subscriber_id is None:
        return replace(_NOBODY, language=viewer.language)
    found = load_recipients(connection, [viewer.subscriber_id])
    if not found:
        raise errors.UsageError.saying(
            "%(name)s: no such subscriber", name=str(viewer.subscriber_id)
        )
    return found[0]
