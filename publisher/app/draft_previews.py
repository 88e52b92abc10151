"""A draft as the page and the mail of its article, by the parsers, the sanitiser and the renderer of a file."""

import base64
import re
from mimetypes import guess_type
from pathlib import PurePosixPath

from publisher import urls
from publisher.accounts.model import Actor
from publisher.app.drafts import PlannedArticle, plan_article, require_draft
from publisher.app.editing_state import EditingState
from publisher.app.issues import preview
from publisher.app.issues.preview_pages import with_local_pictures
from publisher.articles.model import Article, ArticleStatus, Origin, ParsedArticle
from publisher.articles.store import publication_time
from publisher.drafts.store import Draft
from publisher.ingest.pickup.upsert import content_columns
from publisher.issues.model import Issue
from publisher.rendering import Digest, IssueContent, Renderer, views

_SHARED = (
    *("title", "text", "bylines", "translators", "section", "topics"),
    *("picture", "attachments", "url", "offered"),
)


_ICONS = re.compile(r'<link rel="(?:apple-touch-)?icon"[^>]*>')  # a frame may not load them


def preview_draft(
    state: EditingState, renderer: Renderer, actor: Actor, number: int
) -> tuple[preview.MailPreview, ParsedArticle]:
    """Return the page and the mail of a draft, and the article as it was read. Raise DraftError or ArticleError."""
    with state.database.reading() as connection:
        draft = require_draft(connection, actor, number)
        plan = plan_article(state, connection, draft)
    publication, language, now = state.settings.publication, draft.language, state.clock.now()
    site = views.site_view(state.settings, language)
    item = views.article_view(publication, _article(state, draft, plan.parsed), language, ())
    day = now.astimezone(state.settings.zone()).date()
    issue = Issue(newsletter="draft", language=language, day=day, due_at=now)
    content = IssueContent(
        publication=site,
        newsletter=issue.newsletter,
        title=publication.title(language),
        day=day,
        items=(views.view_for_mail(item),),
        sisters=(),
        web_url=item.url,
        content="full",
    )
    page = renderer.article_page(site, item)
    return _preview(state, issue, renderer.digest(content), page, plan), plan.parsed


def _preview(
    state: EditingState, issue: Issue, digest: Digest, page: str, plan: PlannedArticle
) -> preview.MailPreview:
    base = state.settings.publication.url
    source = preview.MailSource(
        issue=issue,
        html=_with_pictures(digest.html, base, plan),
        page=_with_pictures(page, base, plan),
        sha256="",
        findings=(),
        due_at=issue.due_at,
        is_frozen=False,
        **{name: getattr(digest, name) for name in ("subject", "preheader", "text")},
    )
    return preview.preview_for_nobody(state, source)


def _article(state: EditingState, draft: Draft, parsed: ParsedArticle) -> Article:
    now = state.clock.now()
    time = publication_time(parsed.published or now, state.settings.zone(), now)
    columns = content_columns(parsed, draft.language, time.day)
    return Article(
        id=0,
        story_id=0,
        story_key=draft.story,
        slug=urls.story_slug(draft.story or parsed.title),
        language=draft.language,
        origin=Origin.TRANSLATION if draft.story else Origin.ORIGINAL,
        status=ArticleStatus.READY,
        published_on=time.day,
        published_at=time.at,
        available_at=now,
        updated_at=now,
        **{name: columns[name] for name in ("summary", "html", "content_hash")},
        **{name: getattr(parsed, name) for name in _SHARED},
    )


def _with_pictures(html: str, base: str, plan: PlannedArticle) -> str:
    """Return HTML with the pictures inside it that are not public yet."""
    own = plan.library.own
    found = {one.target: own.get(PurePosixPath(one.path)) for one in plan.parsed.media}

    def inside(path: str) -> str | None:
        content = found.get(path)
        kind = guess_type(path)[0]
        return f"data:{kind};base64,{base64.b64encode(content).decode()}" if content else None

    return with_local_pictures(_ICONS.sub("", html), base, inside)
