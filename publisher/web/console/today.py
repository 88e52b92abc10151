"""The first page: what needs somebody, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.attention import AttentionItem, list_attention
from publisher.app.editing_state import Permission
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

# How many issues that come next are shown.
_UPCOMING = 8
# Where an item is dealt with, by its kind. `{name}` is that of its issue.
_PAGES: dict[str, str] = {}


def _today(request: ConsoleRequest) -> flask.Response:
    snapshot, items = list_attention(request.state)
    upcoming = [one for language in snapshot.languages for one in language.upcoming]
    return request.page(
        "today.html",
        items=[(one, _page_of_item(one)) for one in items],
        snapshot=snapshot,
        upcoming=sorted(upcoming, key=lambda one: one.local)[:_UPCOMING],
    )


def _page_of_item(item: AttentionItem) -> str:
    return _PAGES.get(item.kind, "").format(name=item.name)


ROUTES = (Route(path="/", view=_today, access=Permission.VIEW, menu="today"),)
