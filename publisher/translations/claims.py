"""Claims in the database: who promised or makes a translation, or gave it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from publisher.database.dialect.sql import upsert_by_key
from publisher.database.engine import chunks
from publisher.translations.model import ClaimState, TranslationClaim
from publisher.translations.tables import translation_claim


def claims_of(
    connection: Connection, stories: Sequence[int]
) -> dict[tuple[int, str], TranslationClaim]:
    """Return the claims on stories, by story and language."""
    query = select(translation_claim)
    return {
        (row.story_id, row.language): _claim(row)
        for some in chunks(stories)
        for row in connection.execute(query.where(translation_claim.c.story_id.in_(some)))
    }


def active_claims(
    connection: Connection, language: str, now: datetime
) -> list[TranslationClaim]:
    """Return the claims of a language of those who are at work, or will be."""
    query = select(translation_claim).where(
        translation_claim.c.language == language,
        translation_claim.c.state != ClaimState.GIVEN_UP,
    )
    found = map(_claim, connection.execute(query.order_by(translation_claim.c.story_id)))
    return [one for one in found if one.is_active(now)]


def count_expired(connection: Connection, now: datetime) -> dict[str, int]:
    """Count the promises whose time is over, by language, if there are any."""
    query: Select[str, int] = (
        select(translation_claim.c.language, func.count())
        .where(
            translation_claim.c.state != ClaimState.GIVEN_UP, translation_claim.c.until <= now
        )
        .group_by(translation_claim.c.language)
        .order_by(translation_claim.c.language)
    )
    return dict(connection.execute(query).all())


def store_claim(connection: Connection, claim: TranslationClaim) -> None:
    """Store a claim in the place of the one before."""
    values = {name: getattr(claim, name) for name in TranslationClaim.__dataclass_fields__}
    connection.execute(upsert_by_key(connection, translation_claim), values)


def end_claim(connection: Connection, story_id: int, language: str) -> None:
    """Remove the claim on a translation, if there is one."""
    here = translation_claim.c.story_id == story_id
    connection.execute(
        delete(translation_claim).where(here, translation_claim.c.language == language)
    )


def _claim(row: Any) -> TranslationClaim:
    values = {name: getattr(row, name) for name in TranslationClaim.__dataclass_fields__}
    return TranslationClaim(**values | {"state": ClaimState(row.state)})
