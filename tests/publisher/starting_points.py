"""Publications in which an issue waits for approval, is approved or is sent: made once, then copied."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from enum import IntEnum
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from publisher.accounts.actor import Actor, account_actor
from publisher.accounts.store import find_account
from publisher.config import Settings
from publisher.database import open_database
from publisher.testing import make_publication
from tests.databases import at_database, finding_database
from tests.publisher.app.approving import DAY, DUE, approve, cycle, fill, newsletter, person
from tests.publisher.conftest import PublicationFolder
from tests.sharing import made_once

StartingPoint = Callable[..., PublicationFolder]


class Point(IntEnum):
    """How far `weekly-<language>-2026-01-09` has come. Each point has what the ones before it have."""

    WAITING = 0  # for approval; by default a day before it is due
    APPROVED = 1  # by ann@example.org, an approver of all languages
    SENT = 2  # at its hour, to one subscriber of each language


def copier(new_publication: StartingPoint, factory: pytest.TempPathFactory) -> StartingPoint:
    """Return the fixture `starting_point`.

    It copies a publication of two stories in each language, by default in English alone; `terms`
    are those of its newsletter.
    """

    def copy(
        point: Point = Point.WAITING, *languages: str, before: timedelta = DAY, **terms: Any
    ) -> PublicationFolder:
        tags = languages or ("en",)
        key = json.dumps([point.name, tags, before.total_seconds(), terms])
        build = partial(_build, point=point, languages=tags, at=DUE - before, terms=terms)
        made = made_once(factory, sha256(key.encode()).hexdigest()[:12], build)
        publication = new_publication(copy_of=made, **_changes(tags, terms))
        return publication.at(DUE if point is Point.SENT else DUE - before)

    return copy


def actor_of(publication: PublicationFolder, name: str = "ann") -> Actor:
    """Return an account of the publication as the one who acts."""
    with publication.database.reading() as connection:
        account = find_account(connection, f"{name}@example.org")
    assert account is not None
    return account_actor(account, "192.0.2.0/24")


def _changes(languages: tuple[str, ...], terms: dict[str, Any]) -> dict[str, Any]:
    return {"languages": [*languages], "newsletters": [newsletter(**terms)]}


def _build(
    folder: Path, *, point: Point, languages: tuple[str, ...], at: Any, terms: Any
) -> None:
    settings = make_publication(folder, **_changes(languages, terms))
    settings.folders.var.mkdir()
    with finding_database(folder):
        _bring_to(point, at_database(settings), languages, at)


def _bring_to(point: Point, settings: Settings, languages: tuple[str, ...], at: Any) -> None:
    with closing(open_database(settings.database)) as database:
        publication = PublicationFolder(settings, database)
        fill(publication, *languages)
        cycle(publication, at)
        if point >= Point.APPROVED:
            ann = person(publication, "ann")
            for tag in languages:
                approve(publication, ann, f"weekly-{tag}-2026-01-09")
        if point >= Point.SENT:
            cycle(publication, DUE)
