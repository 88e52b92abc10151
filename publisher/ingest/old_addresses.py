"""Decide which article stands at an address that pages had on their own site. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

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
    of a story may share an address: it leads to the first of them. Of two stories, paths that differ in case
    only are the same, as on some disks. Nothing stands below a path that is a file.
    """
    by_path: defaultdict[str, list[OldAddress]] = defaultdict(list)
    for one in addresses:
        by_path[_place(one)].append(one)
    files = {path for path in by_path if path.endswith((".html", ".htm"))}
    owners: dict[str, OldAddress] = {}
    lost = list[OldAddress]()
    for path, rivals in by_path.items():
        if any(str(above) in files for above in PurePosixPath(path).parents):
            lost += rivals
            continue
        first = min(rivals, key=lambda one: (not one.is_current, one.article_id))
        same = [one for one in rivals if one.story_id == first.story_id]
        for exact in {one.path.rstrip("/") for one in same}:
            shared = [one for one in same if one.path.rstrip("/") == exact]
            owner = min(shared, key=lambda one: (not one.is_current, one.order, one.article_id))
            owners[owner.path] = owner
        lost += [one for one in rivals if one.story_id != first.story_id]
    reason = "another article stands there"
    return owners, [
        LostAddress(one.article_id, one.path, reason) for one in lost if one.is_current
    ]


def _place(one: OldAddress) -> str:
    """Return what two addresses share that can't both stand on every disk."""
    return one.path.rstrip("/").casefold()


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
