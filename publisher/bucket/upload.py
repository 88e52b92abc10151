"""Copies the web root into its bucket: what has changed, fenced against other processes.

Before anything is put, the list of contents is replaced as it was read, with what is about to come. Right before each
object, part and deletion, the guard of files is asked (`publisher.files`). If another process was the last one to put
files, or an hour has passed, the bucket is listed, and objects with another tag than the list says are put again.

While a database is empty, the bucket is asked what another database has put there: the only trace of what was sent,
if all else is lost.
"""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.bucket.contents import CONTENTS_KEY, Contents, StoredFile, from_json, to_json
from publisher.clock import SystemTimer
from publisher.config import Settings
from publisher.config.web import S3_KEY_ID, S3_SECRET
from publisher.errors import BucketError, ConfigError
from publisher.files import check_guard, write_if_changed
from publisher.log import log

if TYPE_CHECKING:
    from publisher.bucket.client import Bucket
    from publisher.bucket.plan import LocalFile, LocalFiles, UploadPlan


# A page that was withdrawn may be among them.
_NOT_DELETED = "the bucket keeps files that this web root lacks; they are deleted by the first turn without problems"

# Called between objects with what is done, the number that is done, and of all. It may raise to stop.
UploadProgress = Callable[[str, int, int], None]

# Seconds after which the bucket is listed again, also if nobody else seems to have changed it.
LISTING_SECONDS = 3600.0
# In the web root, once it has everything: the tag of the list of contents that was made from it.
TAG_FILE = ".bucket"
_THREADS = 8  # requests at the same time
_PORTION = 64  # objects between two looks whether the process is to stop
_DELETED_AT_ONCE = 1000  # keys that one request deletes, at most: the limit of S3
# Objects after which the list is stored: what is in it need not be put again after a kill.
_SAVE_EVERY = 2000


def require_credentials(settings: Settings) -> None:
    if settings.s3 is None:
        return
    for name in (S3_KEY_ID, S3_SECRET):
        if name not in settings.secrets:
            raise ConfigError("environment", name, "missing", "set it to the bucket's key")
    if importlib.util.find_spec("obstore") is None:
        remedy = "run `pip install --requirement requirements-extras.txt` in its folder"
        raise ConfigError("publication.toml", "s3", "its library is not installed", remedy)


def open_bucket(settings: Settings) -> Bucket:
    from publisher.bucket.client import Bucket

    key_id, secret = (
        settings.secrets[name].get_secret_value() for name in (S3_KEY_ID, S3_SECRET)
    )
    assert settings.s3  # noqa: S101  # for mypy: the caller has asked
    return Bucket(settings.s3, key_id, secret)


class Uploader:
    """Copies the web root. Keeps what it has read of it, for one thread."""

    def __init__(self) -> None:
        self._files: LocalFiles | None = None
        self._bucket: tuple[object, Bucket] | None = None

    def upload(self, settings: Settings, progress: UploadProgress, *, is_whole: bool) -> int:
        """Make the bucket like the web root; return of how many objects. Until it `is_whole`, nothing of another copy is deleted."""
        # Not before there is a bucket: they know the headers of the web server.
        from publisher.bucket.plan import LocalFiles, plan_upload

        self._files = self._files or LocalFiles()
        local = self._files.find(settings)
        turn = _Turn(self._open(settings), settings, is_whole=is_whole)
        plan = plan_upload(local, turn.contents.files, deletes=turn.deletes)
        turn.carry_out(plan, progress)
        if not turn.deletes and (gone := turn.contents.files.keys() - local.keys()):
            log.warning(_NOT_DELETED, count=len(gone))
        return len(plan.files) + len(plan.gone)

    def _open(self, settings: Settings) -> Bucket:
        require_credentials(settings)
        if self._bucket is None or self._bucket[0] != settings.s3:
            self._bucket = settings.s3, open_bucket(settings)
        return self._bucket[1]


class _GuardedFile(FileIO):
    """A file that is read for the bucket, part by part, while the guard allows it, whose exception the block raises."""

    _refusal: BaseException | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            check_guard()
        except BaseException as error:
            self._refusal = error
            raise
        return super().read(size)

    def __exit__(self, *error: object) -> None:
        self.close()
        if self._refusal:
            raise self._refusal


class _Turn:
    """One copying: the contents as they are stored, and their tag."""

    def __init__(self, bucket: Bucket, settings: Settings, *, is_whole: bool) -> None:
        self._bucket = bucket
        self._tag_file = settings.folders.public / TAG_FILE
        found = bucket.read(CONTENTS_KEY)
        self._tag = found[1] if found else None
        self.contents = check_contents(found[0] if found else None, settings.publication.url)
        # This web root had everything, and was the last one that was copied.
        is_own = self._tag is not None and _read_tag(self._tag_file) == self._tag
        self.deletes = is_own or is_whole
        now = SystemTimer().time()
        is_recent = 0 <= now - self.contents.listed_at < LISTING_SECONDS
        self._is_listed_now = not (is_own and is_recent)
        if self._is_listed_now:
            tags = bucket.list() if self.contents.files else {}
            self.contents = self.contents.after_listing(tags, now)

    def carry_out(self, plan: UploadPlan, progress: UploadProgress) -> None:
        files = plan.files
        if files or plan.gone or self._is_listed_now:
            coming = {one.key: StoredFile() for one in files}
            self._save(self.contents.with_files(coming))
        if files or plan.gone:
            self._put_all(plan, progress, len(files))
            self._delete_all(plan.gone, progress)
            self._save(self.contents.without(plan.gone))

    def _delete_all(self, gone: Sequence[str], progress: UploadProgress) -> None:
        for start in range(0, len(gone), _DELETED_AT_ONCE):
            progress("deleting from the bucket", start, len(gone))
            check_guard()
            self._bucket.delete(gone[start : start + _DELETED_AT_ONCE])

    def _put_all(self, plan: UploadPlan, progress: UploadProgress, total: int) -> None:
        done = 0
        with ThreadPoolExecutor(_THREADS) as threads:
            for group in plan.groups:
                for start in range(0, len(group), _PORTION):
                    progress("filling the bucket", done, total)
                    before, portion = done, group[start : start + _PORTION]
                    self.contents = self.contents.with_files(self._put(threads, portion))
                    done += len(portion)
                    if done // _SAVE_EVERY > before // _SAVE_EVERY:
                        self._save(self.contents)

    def _put(
        self, threads: ThreadPoolExecutor, portion: Sequence[LocalFile]
    ) -> dict[str, StoredFile]:
        # Each with the guard of this thread.
        tasks = [threads.submit(copy_context().run, self._put_one, one) for one in portion]
        try:
            tags = [task.result() for task in tasks]
        finally:
            for task in tasks:
                task.cancel()
        return {
            one.key: StoredFile(one.digest, tag) for one, tag in zip(portion, tags, strict=True)
        }

    def _put_one(self, file: LocalFile) -> str:
        compressed = file.compressed()
        if compressed is not None:
            check_guard()
            return self._bucket.put(file.key, compressed, file.headers)
        with _GuardedFile(file.path) as content:
            return self._bucket.put(file.key, content, file.headers)

    def _save(self, contents: Contents) -> None:
        check_guard()
        self._tag = self._bucket.replace(CONTENTS_KEY, to_json(contents), self._tag)
        self.contents = contents
        if self.deletes:
            write_if_changed(self._tag_file, self._tag.encode())


def check_contents(document: bytes | None, url: str) -> Contents:
    if document is None:
        return Contents(url)
    try:
        contents = from_json(document)
    except ValueError as error:
        raise BucketError(f"the bucket's {error}; upgrade the program") from None
    if contents.url != url:
        raise BucketError(
            f"the bucket has the files of {contents.url}; set another prefix, or delete {CONTENTS_KEY} there"
        )
    return contents


def _read_tag(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


# Of language, newsletter and day, as `urls.issue_path` makes them; not those of corrections.
_ISSUE_PAGE = re.compile(r"(?:[^/.][^/]*/){2}\d{4}-\d\d-\d\d/index\.html", re.ASCII)
_GZIP = b"\x1f\x8b"


def find_former_contents(settings: Settings) -> str | None:
    if settings.s3 is None:
        return None
    bucket = open_bucket(settings)
    return bucket.address_of(CONTENTS_KEY) if bucket.read(CONTENTS_KEY) else None


def fetch_issue_pages(settings: Settings) -> int:
    """Write the bucket's pages of issues, which are not sent then, into the web root; return how many. Raise BucketError."""
    if settings.s3 is None:
        return 0
    bucket = open_bucket(settings)
    stored = bucket.read(CONTENTS_KEY)
    contents = check_contents(stored[0] if stored else None, settings.publication.url)
    pages = sorted(filter(_ISSUE_PAGE.fullmatch, contents.files))
    for key in pages:
        if found := bucket.read(key):
            content = gzip.decompress(found[0]) if found[0].startswith(_GZIP) else found[0]
            write_if_changed(settings.folders.public / key, content)
    return len(pages)
