"""Decide which article stands at an address that pages had on their own site. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.urls import is_own_path, path_below

# Characters of a path, and bytes of one name in it: what file systems and web servers take.
_MAX_PATH = 1_000
_MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class OldAddress:
    """A path of an article's page on its own site.

    `order` is the place of the article's language among the publication's.
    """

    article_id: int
    story_id: int
    path: str
    is_current: bool
    order: int


@dataclass(frozen=True, slots=True)
class LostAddress:
    """An address that an article can't keep, and why."""

    article_id: int
    path: str
    reason: str


def choose_owners(
    addresses: Iterable[OldAddress],
) -> tuple[dict[str, OldAddress], list[LostAddress]]:
    """Return the article that each path leads to, and what others lose by that.

    A stated address counts before a former one, then the article that was there first. The languages
    of a story may share an address: it leads to the first of them.
    """
    by_path: defaultdict[str, list[OldAddress]] = defaultdict(list)
    for one in addresses:
        by_path[one.path.rstrip("/")].append(one)
    owners, lost = {}, []
    for rivals in by_path.values():
        first = min(rivals, key=lambda one: (not one.is_current, one.article_id))
        same = [one for one in rivals if one.story_id == first.story_id]
        owner = min(same, key=lambda one: (not one.is_current, one.order, one.article_id))
        owners[owner.path] = owner
        lost += [
            LostAddress(one.article_id, one.path, "another article stands there")
            for one in rivals
            if one.is_current and one.story_id != owner.story_id
        ]
    return owners, lost


def path_below_root(
    path: str, publication_url: str, own: Mapping[str, Sequence[str]]
) -> tuple[str | None, str]:
    """Return a site's path below the publication's web root, or None and why there is none.

    `own` has the languages and the newsletters of the publication.
    """
    inside = path_below(publication_url, path)
    if inside is None:
        return None, f"it is not below {publication_url}"
    names = inside.rstrip("/").split("/")
    if is_own_path(inside, own["languages"], own["newsletters"]):
        return None, "a page of this publication stands there"
    too_long = len(inside) > _MAX_PATH or any(
        len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES for name in names
    )
    odd = any(not name or name.startswith(".") or not name.isprintable() for name in names)
    if too_long or odd or "\\" in inside or inside.endswith(".part"):
        return None, "it can't be the name of a file"
    return inside, ""
