"""Try a publication's own templates of pages and entries with its newest article."""

from __future__ import annotations

from datetime import datetime

from publisher.articles import store as articles
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import (
    ArticleView,
    HomeContent,
    IssueContent,
    PublicationView,
    Renderer,
    views,
)


def try_templates(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> None:
    """Render the pages that each publication has, and an article's. `renderer.take_faults` tells what fails."""
    if not renderer.has_own_templates:
        return
    renderer.note_faults()
    publication, language = settings.publication, settings.publication.default_language
    with database.reading() as connection:
        newest = articles.newest_articles(connection, language, now, 1)
    house, feeds = views.site_view(settings, language), views.feed_lines(publication, language)
    items = tuple(views.article_view(publication, one, language, ()) for one in newest)
    home = HomeContent(
        publication=house,
        title=house.title,
        url=house.url,
        articles=items,
        issues=(),
        sisters=(),
    )
    renderer.home_page(home, feeds)
    renderer.chooser_page(house, (), feeds)
    renderer.moved_page(house, house.url)
    renderer.letter_page(house, "unsubscribe", publication.sender.address, feeds)
    renderer.feed_style(house)
    for item in items:
        renderer.article_page(house, item, feeds)
        renderer.feed_texts(item, house)
        renderer.issue_page(_issue(house, item, now), feeds)


def _issue(house: PublicationView, item: ArticleView, now: datetime) -> IssueContent:
    return IssueContent(
        publication=house,
        newsletter="",
        title=house.title,
        day=now.date(),
        items=(item,),
        sisters=(),
        web_url=house.url,
    )
