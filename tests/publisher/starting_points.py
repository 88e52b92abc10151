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

from publisher.accounts.model import Actor, account_actor
from publisher.accounts.store import find_account
from publisher.app.operation import cycle as pipeline
from publisher.database import open_database
from publisher.testing import make_publication
from tests.databases import at_database, finding_database
from tests.publisher.app.approving import DAY, DUE, approve, cycle, fill, newsletter, person
from tests.publisher.conftest import Make, PublicationFolder
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
        bring = partial(_bring_to, point=point, languages=tags, at=DUE - before)
        changes: dict[str, Any] = {"languages": [*tags], "newsletters": [newsletter(**terms)]}
        publication = copy_prepared(new_publication, factory, bring, key, **changes)
        return publication.at(DUE if point is Point.SENT else DUE - before)

    return copy


def actor_of(publication: PublicationFolder, name: str = "ann") -> Actor:
    """Return an account of the publication as the one who acts."""
    with publication.database.reading() as connection:
        account = find_account(connection, f"{name}@example.org")
    assert account is not None
    return account_actor(account, "192.0.2.0/24")


def _bring_to(
    publication: PublicationFolder, *, point: Point, languages: tuple[str, ...], at: Any
) -> None:
    fill(publication, *languages)
    cycle(publication, at)
    if point >= Point.APPROVED:
        ann = person(publication, "ann")
        for tag in languages:
            approve(publication, ann, f"weekly-{tag}-2026-01-09")
    if point >= Point.SENT:
        cycle(publication, DUE)


def copy_prepared(
    new_publication: Make,
    factory: pytest.TempPathFactory,
    prepare: Callable[[PublicationFolder], object],
    key: str = "",
    **changes: Any,
) -> PublicationFolder:
    """Copy a publication with some settings, to which `prepare`, a function of a module, was done once.

    `key` tells apart what one function makes of different arguments.
    """
    name = key or f"{prepare.__module__}.{prepare.__qualname__} {json.dumps(changes)}"
    # Some tests have cycles write few pages.
    name += vars(pipeline)["write_site"].__name__
    build = partial(_build, prepare=prepare, changes=changes)
    made = made_once(factory, sha256(name.encode()).hexdigest()[:12], build)
    return new_publication(copy_of=made, **changes)


def _build(
    folder: Path, *, prepare: Callable[[PublicationFolder], object], changes: Any
) -> None:
    settings = make_publication(folder, **changes)
    settings.folders.var.mkdir()
    with finding_database(folder):
        settings = at_database(settings)
        with closing(open_database(settings.database)) as database:
            prepare(PublicationFolder(settings, database))
