"""Render issues, check their mails, and freeze the bytes that will be sent.

An issue in which the gate finds an error is not frozen. It waits, and every cycle renders it
again until the fault is mended or the article withdrawn. An issue that was being assembled when
the program died is rendered again from its stored selection. An issue that corrects another one, or announces
something, has an editor's words instead of articles; the gate checks it as any mail. A variant takes the same steps and is returned,
not stored. It has no page of its own: its mails lead to the issue's.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from publisher import urls
from publisher.article_links import with_links_for
from publisher.articles import store as articles
from publisher.articles.model import Article, ArticleStatus
from publisher.articles.store import words_hash
from publisher.assembly.gate_run import (
    GateRun,
    check_digest,
    finding_text,
    render_passing_digest,
)
from publisher.config import Edition, Settings
from publisher.config.choices import ApprovalPolicy, Content, DigestKey
from publisher.database import Database
from publisher.errors import GateError, IssueError, PublisherError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.gate.findings import GateReport, finding_data
from publisher.i18n.messages import message
from publisher.issues import approvals, digests
from publisher.issues import store as issues
from publisher.issues.editing import IssueEdits, combined_edits, correction_by
from publisher.issues.model import EDITION_REMOVED, Issue, IssueKind, IssueReason, IssueState
from publisher.log import log
from publisher.rendering import ArticleView, Digest, IssueContent, LanguageLink, Renderer, views
from publisher.rendering.announcement import AnnouncementContent, CorrectionContent
from publisher.rendering.placeholders import neutralise_placeholders


def announcement_content(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> AnnouncementContent:
    """Return what a correction or an announcement says. Nothing in it is taken for a placeholder."""
    publication, language = settings.publication, issue.language

    def address(one: Issue) -> str:
        place = language, one.newsletter, one.day, one.suffix
        return urls.public_url(publication, urls.issue_path(*place))

    edits = combined_edits(connection, issue.id)
    announcement = AnnouncementContent(
        publication=views.site_view(settings, language),
        title=edition.title(language),
        subject=neutralise_placeholders(edits.subject),
        preheader=neutralise_placeholders(edits.preheader),
        html=neutralise_placeholders(edits.opening),
        day=issue.day,
        web_url=address(issue),
        sisters=tuple(sister_links(connection, settings, issue)),
    )
    if issue.kind != IssueKind.CORRECTION:
        return announcement
    correction, first = correction_by(connection, issue)
    same = {n: getattr(announcement, n) for n in ("publication", "title", "web_url")}
    return CorrectionContent(
        **same,
        subject=neutralise_placeholders(correction.subject),
        html=neutralise_placeholders(correction.html),
        day=correction.created_at.astimezone(settings.zone()).date(),
        first_day=first.day,
        first_subject=neutralise_placeholders(digests.digest_of(connection, first).subject),
        first_url=address(first),
    )


_ALL_WITHDRAWN = message("all its articles were withdrawn before it was made")


def assemble_issues(
    settings: Settings, database: Database, renderer: Renderer
) -> tuple[int, list[str]]:
    """Render and freeze all issues in `assembling`. Return how many, and the problems of others."""
    made, problems = 0, []
    with database.reading() as connection:
        waiting = issues.issues_in_state(connection, IssueState.ASSEMBLING)
    for issue in waiting:
        try:
            problem = assemble_issue(settings, database, renderer, issue)
        except Exception as error:
            # A fault of the program in one issue must not hold up all others.
            if stops_all(error):
                raise
            problem = explain_fault(error)
            log.exception("issue can't be assembled", issue=issue.name)
        if problem is None:
            made += 1
        elif problem:
            problems.append(f"{issue.name}: {problem}")
    return made, problems


def assemble_issue(
    settings: Settings, database: Database, renderer: Renderer, issue: Issue
) -> str | None:
    """Render and freeze one issue. Return why that can't be done, None if it is.

    An empty text: it was skipped, or somebody has changed it meanwhile.
    """
    try:
        return None if _assemble_one(settings, database, renderer, issue) else ""
    except PublisherError as error:
        if stops_all(error):
            raise
        # GateError's text names the issue, and so does every list of reasons.
        key, reason = IssueReason.NOT_MADE, str(error)
        if isinstance(error, GateError):
            key, reason = IssueReason.GATE, error.reason
        with database.writing() as connection:
            if not issues.is_unchanged(connection, issue):
                log.info("issue was changed while it was assembled", issue=issue.name)
                return ""
            issues.set_reason(connection, issue, reason, key)
        log.error("issue can't be assembled", issue=issue.name, reason=reason)
        return reason


def _skip(database: Database, issue: Issue, key: IssueReason, reason: str) -> None:
    with database.writing() as connection:
        issues.move_issue(connection, issue, IssueState.SKIPPED, reason=reason, reason_key=key)
        issues.free_articles(connection, issue)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    """All that is frozen of an issue, and what approvers sign of it besides."""

    digest: Digest
    gate_run: GateRun
    page: str
    signed: Mapping[str, Any]
    carried: Mapping[int, Article] = field(default_factory=dict)


def _assemble_one(
    settings: Settings, database: Database, renderer: Renderer, issue: Issue
) -> bool:
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        _skip(database, issue, IssueReason.EDITION_REMOVED, EDITION_REMOVED)
        return False
    rendered = _render(settings, database, renderer, edition, issue)
    if rendered is None:
        _skip(database, issue, IssueReason.ALL_WITHDRAWN, _ALL_WITHDRAWN)
        return False
    _freeze(database, edition.approval, issue, rendered)
    return True


def _render(
    settings: Settings, database: Database, renderer: Renderer, edition: Edition, issue: Issue
) -> _Rendered | None:
    """Render an issue, and read what is signed in the same transaction; None if all its articles were withdrawn."""
    if issue.kind != IssueKind.REGULAR:
        with database.reading() as connection:
            signed = _manifest(connection, settings, renderer, edition, issue)
            announcement = announcement_content(connection, settings, edition, issue)
        digest = renderer.announcement(announcement)
        gate_run = check_digest(settings.publication, issue, digest)
        page = renderer.announcement_page(announcement)
        return _Rendered(digest=digest, gate_run=gate_run, page=page, signed=signed)
    with database.reading() as connection:
        content = stored_issue_content(connection, settings, edition, issue)
        # Not of the items themselves, in which placeholders are neutralised.
        carried = articles.articles_by_id(connection, [i.article.id for i in content.items])
        signed = _manifest(connection, settings, renderer, edition, issue)
    if not content.items:
        return None
    digest, gate_run = render_passing_digest(settings.publication, renderer, issue, content)
    page = renderer.issue_page(content)
    return _Rendered(
        digest=digest, gate_run=gate_run, page=page, signed=signed, carried=carried
    )


def _freeze(
    database: Database, policy: ApprovalPolicy, issue: Issue, rendered: _Rendered
) -> None:
    """Store what is sent of an issue, and the articles that it carries; raise GateError."""
    report, signed = rendered.gate_run.report, rendered.signed
    parts = _stored_parts(issue, rendered.digest, report, rendered.page)
    manifest = (
        approvals.manifest_text({**signed, "digest": parts["sha256"]}) if signed else None
    )
    parts |= {"page": rendered.page, "manifest": manifest}
    with database.writing() as connection:
        digests.freeze_digest(connection, issue, parts)
        if rendered.carried:
            words = {number: words_hash(one) for number, one in rendered.carried.items()}
            digests.record_words(connection, issue, words)
        counted = approvals.verdict(approvals.approval_facts(connection, issue, policy)).count
        state = IssueState.READY if counted.is_enough else IssueState.AWAITING_APPROVAL
        key = IssueReason.NOT_APPROVED if counted.reason else None
        # No mail leaves before the page is on disk.
        issues.move_issue(
            connection, issue, state, reason=counted.reason, reason_key=key, page_hash=None
        )
    log.info(
        "issue ready" if counted.is_enough else "issue waits for approval",
        issue=issue.name,
        articles=len(rendered.carried),
        warnings=len(report.warnings),
    )


def _stored_parts(
    issue: Issue, digest: Digest, report: GateReport, page: str = ""
) -> dict[str, Any]:
    """Return the columns of a digest or a variant that has passed the gate; raise GateError."""
    if report.errors:
        raise GateError(issue.name, len(report.errors), finding_text(report.errors[0]))
    return {
        **{name: getattr(digest, name) for name in ("subject", "preheader", "html", "text")},
        "sha256": digest_hash(digest, page),
        "findings": [finding_data(finding) for finding in report.warnings],
    }


def _manifest(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    edition: Edition,
    issue: Issue,
) -> Mapping[str, Any]:
    """Return what approvers sign besides the digest; nothing if nobody has to approve."""
    if not edition.approval.needed:
        return {}
    templates = renderer.fingerprint()
    return approvals.make_manifest(connection, settings, edition, issue, "", templates)


def digest_hash(digest: Digest, page: str) -> str:
    """Return the SHA-256 of all that is frozen of an issue."""
    parts = (digest.subject, digest.preheader, digest.html, digest.text, page)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def stored_issue_content(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> IssueContent:
    """Return the content of an issue whose articles are selected, without withdrawn ones."""
    numbers = issues.article_ids_of(connection, issue)
    return content_of_articles(connection, settings, edition, issue, numbers)


def content_of_articles(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    numbers: Sequence[int],
) -> IssueContent:
    """Return an issue's content with the articles of some ids, without those that are hidden now."""
    found = articles.articles_by_id(connection, numbers)
    now = issue.assembled_at or issue.due_at
    edits = combined_edits(connection, issue.id)
    # An editor may add an article that came after the others were selected.
    now = max(now, edits.pinned_at or now)
    shown = [found[number] for number in numbers if _is_shown(found[number], now)]
    sisters = sister_links(connection, settings, issue)
    content = issue_content(
        connection, settings, edition, issue, shown, now=now, sisters=sisters
    )
    return with_words(content, edits)


def with_words(content: IssueContent, edits: IssueEdits) -> IssueContent:
    """Return an issue's content with what editors wrote. None of it is taken for a placeholder."""
    quoted = edits.quotation
    return replace(
        content,
        subject=neutralise_placeholders(edits.subject),
        preheader=neutralise_placeholders(edits.preheader),
        introduction=neutralise_placeholders(edits.opening),
        quoted=(quoted[0], neutralise_placeholders(quoted[1])) if quoted else None,
    )


def _is_shown(one: Article, selected_at: datetime) -> bool:
    """Return whether a selected article is still public: not if its date was moved to later."""
    later = min(one.published_at, one.available_at) > selected_at
    return one.status == ArticleStatus.READY and not later


def sister_links(
    connection: Connection, settings: Settings, issue: Issue
) -> list[LanguageLink]:
    """Return links to the same issue in other languages, in the publication's order of languages."""
    publication = settings.publication
    sisters = [
        LanguageLink(
            language=sister.language,
            url=urls.public_url(publication, _sister_path(settings, sister)),
        )
        for sister in issues.same_issue_in_other_languages(connection, issue)
        if sister.language in publication.languages
    ]
    return sorted(sisters, key=lambda link: publication.languages.index(link.language))


def _sister_path(settings: Settings, sister: Issue) -> str:
    """Return where a link to an issue leads: to its page, or to the newsletter's if that may never come.

    An issue that is made ahead, or an announcement that is held, has a page once it may be sent, which its editors decide.
    """
    edition = settings.edition(sister.newsletter, sister.language)
    is_held = sister.serial > 0 and sister.send_at is None
    if is_held or (edition is not None and (edition.lead or edition.approval.needed)):
        newsletter = DigestKey.parse(sister.newsletter).newsletter
        return urls.newsletter_path(sister.language, newsletter)
    return urls.issue_path(sister.language, sister.newsletter, sister.day, sister.suffix)


def issue_content(  # noqa: PLR0913  # all that an issue consists of
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    chosen: Sequence[Article],
    *,
    now: datetime,
    sisters: Sequence[LanguageLink] = (),
) -> IssueContent:
    """Return the content of an issue with some articles; `now` is when it is made."""
    publication, language = settings.publication, edition.language
    chosen = with_links_for(connection, chosen, language, publication.languages, now)
    versions = articles.versions(connection, stories := {one.story_id for one in chosen}, now)
    most = views.RELATED_POOL_SIZE
    pool = articles.newest_articles(connection, language, now, most, with_texts=False)
    items = (
        views.view_for_mail(
            views.article_view(
                publication,
                article,
                language,
                versions.get(article.story_id, ()),
                views.related_articles(article, pool, stories),
            )
        )
        for article in chosen
    )
    return edition_content(connection, settings, issue, edition, items, sisters)


def edition_content(  # all that an issue consists of
    connection: Connection,
    settings: Settings,
    issue: Issue,
    edition: Edition | None,
    items: Iterable[ArticleView],
    sisters: Iterable[LanguageLink],
) -> IssueContent:
    """Return the content of an issue with some articles; `edition` is None if the settings have it no more."""
    publication, language = settings.publication, issue.language
    path = urls.issue_path(language, issue.newsletter, issue.day)
    key = DigestKey.parse(issue.newsletter)
    content = IssueContent(
        publication=views.site_view(settings, language),
        newsletter=issue.newsletter,
        title=edition.title(language) if edition else issue.newsletter,
        day=issue.day,
        number=issues.issue_number(connection, issue.newsletter, language, issue.day),
        items=tuple(items),
        sisters=tuple(sisters),
        web_url=urls.public_url(publication, path),
        archive_url=urls.public_url(
            publication, urls.newsletter_path(language, key.newsletter)
        ),
        more=issue.more,
        more_url=urls.public_url(publication, urls.home_path(language)),
        cadence=key.cadence.value if key.cadence else "",
    )
    if edition is None:
        return content
    return replace(
        content,
        content=edition.content.value,
        pictures=edition.pictures.value,
        blocks=frozenset(block.value for block in edition.blocks),
    )


def render_variant(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    issue: Issue,
    variant: digests.IssueVariant,
) -> dict[str, Any] | None:
    """Return what is stored of a rendered variant; None if all its articles were withdrawn.

    Raise GateError if the gate rejects it, and RenderingError, DeliveryError or IssueError if no mail can be made.
    """
    with database.reading() as connection:
        numbers = digests.article_ids_of_variant(connection, variant)
        if changes := _changes_of_basis(connection, settings, renderer, issue, numbers):
            raise IssueError(
                f"changed since the issue was approved: {', '.join(changes)}; not sent without approval"
            )
        content = variant_content(
            connection, settings, replace(issue, more=variant.more), numbers, variant.length
        )
    if not content.items:
        return None
    digest, gate_run = render_passing_digest(settings.publication, renderer, issue, content)
    return _stored_parts(issue, digest, gate_run.report)


def _changes_of_basis(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    issue: Issue,
    numbers: Sequence[int],
) -> list[str]:
    """Return in words what a variant would have that approvers did not see.

    Articles that were withdrawn are none of it. Those of a catch-up are of earlier issues.
    """
    stored = approvals.stored_manifest(connection, issue)
    edition = settings.edition(issue.newsletter, issue.language)
    if stored is None or edition is None:
        return []
    old, templates = approvals.read_manifest(stored), renderer.fingerprint()
    new = approvals.make_manifest(
        connection, settings, edition, issue, old["digest"], templates
    )
    known, present = old["articles"], new["articles"]
    used = {str(number) for number in numbers} & present.keys()
    shown = {number: present[number] for number in used}
    signed = {number: known.get(number) for number in used}
    return approvals.changed_parts({**old, "articles": signed}, {**new, "articles": shown})


def variant_content(
    connection: Connection,
    settings: Settings,
    issue: Issue,
    numbers: Sequence[int],
    length: str | None,
) -> IssueContent:
    """Return an issue's content with other articles or another length. Raise IssueError if its edition is gone."""
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        raise IssueError(EDITION_REMOVED)
    if length:
        edition = replace(edition, content=Content(length))
    return content_of_articles(connection, settings, edition, issue, numbers)
