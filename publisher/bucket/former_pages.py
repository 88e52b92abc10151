"""What another database has put into the bucket: the only trace of what was sent, if all else is lost.

Asked only while a database is empty. Whether it is refused then is decided by the caller.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from publisher.bucket.contents import CONTENTS_KEY
from publisher.bucket.upload import check_contents, open_bucket
from publisher.files import write_if_changed

if TYPE_CHECKING:
    from publisher.bucket.client import Bucket
    from publisher.config import Settings

# Of language, newsletter and day, as `urls.issue_path` makes them; not those of corrections.
_ISSUE_PAGE = re.compile(r"(?:[^/.][^/]*/){2}\d{4}-\d\d-\d\d/index\.html", re.ASCII)
_GZIP = b"\x1f\x8b"


def find_former_contents(settings: Settings) -> str | None:
    """Return the address of the list of files, if there is one. Raise BucketError if it can't be asked."""
    if settings.s3 is None:
        return None
    bucket = open_bucket(settings)
    return bucket.address_of(CONTENTS_KEY) if bucket.read(CONTENTS_KEY) else None


def fetch_issue_pages(settings: Settings) -> int:
    """Write the pages of issues that the bucket has into the web root; return how many it has.

    An issue that has a page is not sent. Raise BucketError if one can't be read, or if the files are those
    of another publication.
    """
    if settings.s3 is None:
        return 0
    bucket = open_bucket(settings)
    pages = _issue_pages(bucket, settings.publication.url)
    for key in pages:
        if found := bucket.read(key):
            content = gzip.decompress(found[0]) if found[0].startswith(_GZIP) else found[0]
            write_if_changed(settings.folders.public / key, content)
    return len(pages)


def _issue_pages(bucket: Bucket, url: str) -> list[str]:
    found = bucket.read(CONTENTS_KEY)
    contents = check_contents(found[0] if found else None, url)
    return sorted(key for key in contents.files if _ISSUE_PAGE.fullmatch(key))
