"""Sample content in several languages: fictitious people, example domains."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from publisher.articles.model import Article, Byline, Picture
from publisher.rendering import (
    ArticleView,
    HomeContent,
    IssueContent,
    IssueLine,
    LanguageLink,
    PublicationView,
    SystemMail,
)
from publisher.rendering.announcement import AnnouncementContent, CorrectionContent
from publisher.rendering.colours_and_fonts import palette
from publisher.rendering.model import (
    ArchiveContent,
    ArchiveLine,
    FeedAddress,
    FeedContent,
    FeedGroup,
    FeedLine,
    FeedPageLink,
    RelatedArticle,
)
from publisher.testing import sample_article

URL = "https://news.example.org"
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar", "de")

PUBLICATION = {
    "en": ("The Lantern", "Slow news about rivers, maps and small machines"),
    "zh-Hans": ("灯笼", "关于河流、地图与小机器的慢新闻"),
    "zh-Hant": ("燈籠", "關於河流、地圖與小機器的慢新聞"),
    "ar": ("الفانوس", "أخبار متأنية عن الأنهار والخرائط والآلات الصغيرة"),
    "de": ("Die Laterne", "Langsame Nachrichten über Flüsse, Karten und kleine Maschinen"),
}
NEWSLETTER = {
    "en": "The week",
    "zh-Hans": "一周",
    "zh-Hant": "一週",
    "ar": "الأسبوع",
    "de": "Die Woche",
}
# By language: title, section, name, affiliation or nothing, summary.
STORIES: dict[str, list[list[str]]] = {language: [] for language in LANGUAGES}
with Path(__file__).with_name("stories.tsv").open(encoding="utf-8", newline="") as _file:
    for _language, *_story in list(csv.reader(_file, delimiter="\t"))[1:]:
        STORIES[_language].append(_story)
SLUGS = ("ferry-and-tide", "bench-map", "clock-repair", "lighthouse-letters")
PICTURE = Picture(
    src="/media/0a1b/ferry.png", alt="A ferry at low tide", width=1200, height=630
)


def publication(language: str) -> PublicationView:
    title, description = PUBLICATION[language]
    return PublicationView(
        title=title,
        description=description,
        url=URL,
        address="1 Example Street, Example City",
        language=language,
        languages=LANGUAGES,
        since=2017,
        feeds_url=f"{URL}/{language}/feeds/",
        opml_url=f"{URL}/feeds/index.opml",
        palette=palette("#8f2f12", "#f2efe9"),
        feeds=feeds(language),
    )


def article(language: str, index: int = 0, **changes: object) -> Article:
    title, section, name, affiliation, summary = STORIES[language][index]
    made = sample_article(
        id=index,
        story_id=index,
        story_key=SLUGS[index],
        slug=SLUGS[index],
        language=language,
        title=title,
        summary=summary,
        html=body(summary),
        text=f"{summary} " * 30,
        bylines=(Byline(name=name, affiliation=affiliation or None),),
        section=section,
        picture=PICTURE if index == 0 else None,
        published_at=datetime(2026, 1, 5 + index, 12, tzinfo=UTC),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name, from tests only


def body(text: str) -> str:
    return (
        f"<p>{text}</p><h2>{text[:12]}</h2><p>{text} {text}</p>"
        f"<blockquote><p>{text}</p></blockquote>"
        '<p><img src="/media/0a1b/chart.png" alt="" width="640" height="200"> '
        '<a href="/en/elsewhere/">x &lt; y</a></p>'
        '<pre><code>tide = "/media/not-a-link"\nif tide &gt; 3: wait()</code></pre>'
        "<table><thead><tr><th>h</th><th>m</th></tr></thead>"
        "<tbody><tr><td>06:00</td><td>1.4</td></tr></tbody></table>"
    )


def page(language: str, slug: str) -> str:
    return f"{URL}/{language}/{slug}/"


def item(language: str, index: int = 0, **changes: object) -> ArticleView:
    others = [other for other in ("en", "ar", "zh-Hant") if other != language]
    shown = article(language, index)
    made = ArticleView(
        article=shown,
        published=shown.published_at,
        url=page(language, SLUGS[index]),
        translations=tuple(
            LanguageLink(language=other, url=page(other, SLUGS[index])) for other in others
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name, from tests only


def issue(language: str, **changes: object) -> IssueContent:
    """An issue that has everything: a late item, one in English, one converted, relatives."""
    items = [item(language, index) for index in range(len(STORIES[language]))]
    title = STORIES[language][1][0]
    like = RelatedArticle(title=title, url=page(language, SLUGS[1]), language=language)
    items[0] = replace(items[0], related=(like,))
    items[1] = replace(items[1], is_late=True)
    if language == "zh-Hant":
        items[2] = replace(items[2], shown_as="converted")
    if language != "en":
        told = article("en", 2, slug="told-in-english")
        shown = item("en", 2, article=told, shown_as="fallback", translations=())
        items = [*items[:2], shown, *items[3:]] if language == "ar" else [*items, shown]
    made = IssueContent(
        publication=publication(language),
        newsletter="weekly",
        title=NEWSLETTER[language],
        day=date(2026, 1, 9),
        items=tuple(items),
        sisters=sisters(language),
        web_url=f"{URL}/{language}/weekly/2026-01-09/",
        more=3,
        more_url=f"{URL}/{language}/",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name, from tests only


def sisters(language: str) -> tuple[LanguageLink, ...]:
    return tuple(
        LanguageLink(language=other, url=f"{URL}/{other}/weekly/2026-01-09/")
        for other in LANGUAGES
        if other != language
    )


FORMATS = {
    "RSS": ("rss.xml", "application/rss+xml"),
    "Atom": ("atom.xml", "application/atom+xml"),
    "JSON Feed": ("json", "application/feed+json"),
}


def feeds(language: str) -> tuple[FeedLine, ...]:
    """The lines for pages of a language: its own feeds, the other languages', that of all."""
    others = [tag for tag in LANGUAGES if tag != language]
    return tuple(
        FeedLine(title=PUBLICATION[tag or language][0], language=tag, **asdict(address))
        for tag in (language, *others, None)
        for address in addresses(tag or "all")
    )


def addresses(name: str) -> tuple[FeedAddress, ...]:
    return tuple(
        FeedAddress(name=form, url=f"{URL}/feeds/{name}.{suffix}", media_type=media_type)
        for form, (suffix, media_type) in FORMATS.items()
    )


def feed(language: str, kind: str = "language", **changes: object) -> FeedContent:
    """A page for a feed that has everything: relatives of each kind, articles, sisters."""
    _title, section, name, affiliation, _summary = STORIES[language][0]
    url = f"{URL}/feeds/" if kind == "all" else f"{URL}/{language}/feeds/"
    subject = {"topic": "topics/rivers", "author": "authors/sample"}.get(kind)
    if subject:
        url += f"{subject}/"
    sections = dict.fromkeys(story[1] for story in STORIES[language])
    writers = dict.fromkeys(story[2] for story in STORIES[language])
    made = FeedContent(
        kind=kind,  # type: ignore[arg-type] # a kind by name, from tests only
        title={"topic": section, "author": name}.get(kind, PUBLICATION[language][0]),
        description=PUBLICATION[language][1],
        affiliation=(affiliation or None) if kind == "author" else None,
        language=None if kind == "all" else language,
        url=url,
        formats=addresses(
            "all" if kind == "all" else "/".join(filter(None, (language, subject)))
        ),
        articles=issue(language).items,
        others=(
            FeedGroup(kind="topic", links=_feed_pages(language, "topics", sections)),
            FeedGroup(kind="author", links=_feed_pages(language, "authors", writers)),
        ),
        sisters=tuple(
            LanguageLink(language=tag, url=f"{URL}/{tag}/feeds/")
            for tag in LANGUAGES
            if tag != language and kind == "language"
        ),
        opml_url=f"{URL}/feeds/index.opml",
        all_url=None if kind == "all" else f"{URL}/feeds/",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name, from tests only


def _feed_pages(language: str, folder: str, titles: Iterable[str]) -> tuple[FeedPageLink, ...]:
    return tuple(
        FeedPageLink(title=title, url=f"{URL}/{language}/feeds/{folder}/{number}/")
        for number, title in enumerate(titles, 1)
    )


def home(language: str) -> HomeContent:
    title = NEWSLETTER[language]
    return HomeContent(
        publication=publication(language),
        title=PUBLICATION[language][0],
        description=PUBLICATION[language][1],
        url=f"{URL}/{language}/",
        articles=issue(language).items,
        issues=(
            IssueLine(
                title=title, day=date(2026, 1, 9), url=f"{URL}/{language}/weekly/2026-01-09/"
            ),
            IssueLine(
                title=title, day=date(2026, 1, 2), url=f"{URL}/{language}/weekly/2026-01-02/"
            ),
        ),
        sisters=sisters(language),
    )


def archive(language: str) -> ArchiveContent:
    """A list of articles, with all that such lists have."""
    url = f"{URL}/{language}/archive/"
    return ArchiveContent(
        url=url,
        articles=issue(language).items,
        months=(ArchiveLine(url=f"{url}2026-01/", count=12, day=date(2026, 1, 1)),),
        sections=(ArchiveLine(url=f"{URL}/{language}/sections/a/", count=3, title="A"),),
        topics=(ArchiveLine(url=f"{URL}/{language}/topics/b/", count=2, title="B"),),
        older_url=f"{URL}/{language}/archive/1/",
        sisters=sisters(language),
    )


# The folders of `templates/email` with mails about a subscription.
SYSTEM_MAIL_KINDS = (
    *("confirm", "reminder", "already-subscribed", "welcome", "goodbye"),
    *("confirm-address", "address-changed", "links", "data"),
)


def system_mail(kind: str, language: str, **changes: Any) -> SystemMail:
    """A mail about a subscription, with everything that its kind may have."""
    values: dict[str, Any] = {
        "newsletters": (NEWSLETTER[language],),
        "about": ((NEWSLETTER[language], PUBLICATION[language][1], date(2026, 1, 16)),),
        "latest": (
            IssueLine(
                title=NEWSLETTER[language],
                day=date(2026, 1, 9),
                url=f"{URL}/{language}/weekly/2026-01-09/",
            ),
        ),
        "mailbox": "lists@news.example.org",
        "has_code": True,
        "has_pages": True,
        "has_new_address": True,
    }
    return SystemMail(kind=kind, **{"publication": publication(language)} | values | changes)


def announcement(language: str) -> AnnouncementContent:
    """An announcement with a first line of its own."""
    page = f"{URL}/{language}/weekly/2026-01-09/"
    return AnnouncementContent(
        publication=publication(language),
        title=NEWSLETTER[language],
        subject=NEWSLETTER[language],
        preheader="2026",
        html=f'<p>No <em>mail</em> next week: see <a href="{page}">why</a>.</p>',
        day=date(2026, 1, 9),
        web_url=f"{page}announcement/",
    )


def correction(language: str) -> CorrectionContent:
    page = f"{URL}/{language}/weekly/2026-01-09/"
    return CorrectionContent(
        publication=publication(language),
        title=NEWSLETTER[language],
        subject=NEWSLETTER[language],
        html=f"<p>{NEWSLETTER[language]} <a href='{page}'>2026</a></p>",
        day=date(2026, 1, 10),
        first_day=date(2026, 1, 9),
        first_subject=NEWSLETTER[language],
        first_url=page,
        web_url=f"{page}correction/",
    )


def announcements(language: str) -> tuple[AnnouncementContent, ...]:
    return announcement(language), correction(language)
