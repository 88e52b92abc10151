"""What is to be put into a bucket and deleted from it, and in which order. Pure.

What others refer to comes first: pictures and archive documents, then pages from the deepest folder up,
then feeds. What is gone is deleted last. So no page or feed refers to an object that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from publisher.bucket.contents import StoredFile
from publisher.bucket.local_files import LocalFile


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Groups of files to put, one group after another, and keys to delete after them."""

    groups: Sequence[Sequence[LocalFile]]
    gone: Sequence[str]

    @property
    def files(self) -> list[LocalFile]:
        """All files to put, in order."""
        return [one for group in self.groups for one in group]


def plan_upload(
    local: Mapping[str, LocalFile], stored: Mapping[str, StoredFile], *, deletes: bool
) -> UploadPlan:
    """Compare the web root with a bucket."""
    wanted = sorted(
        (one for key, one in local.items() if not _is_there(one, stored.get(key))), key=_order
    )
    groups = [list(group) for _rank, group in groupby(wanted, key=_rank)]
    gone = sorted(stored.keys() - local.keys()) if deletes else []
    return UploadPlan(groups, gone)


def _is_there(file: LocalFile, stored: StoredFile | None) -> bool:
    return stored is not None and bool(stored.tag) and stored.digest == file.digest


def _order(file: LocalFile) -> tuple[tuple[int, int], str]:
    return _rank(file), file.key


def _rank(file: LocalFile) -> tuple[int, int]:
    """Return the place of a file's group."""
    if file.kind in ("feed", "list"):
        return 2, 0
    if file.kind == "page" and file.key.endswith(".html"):
        return 1, -file.key.count("/")
    return 0, 0
