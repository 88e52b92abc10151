"""The objects of a bucket: read, put, list, delete. The only module that imports obstore, which signs and repeats requests."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from publisher.config.web import BucketSettings
from publisher.errors import BucketError

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Config

# A request, and with it a service that is stopped, takes no longer than both together.
REQUEST_TIME = timedelta(seconds=25)
RETRY_TIME = timedelta(seconds=8)
_MAX_RETRIES = 6
# Larger objects are put in parts of so many bytes, this number of them at a time.
PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 2

_STATUS = re.compile(r"status code: (?P<status>[0-9]{3}[A-Za-z ]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_DENIED = ("401", "403")
_NO_BUCKET = "NoSuchBucket"


class Bucket:
    """The objects below a prefix. Several threads may use it."""

    def __init__(self, settings: BucketSettings, key_id: str, secret: str) -> None:
        self._named = "/".join(filter(None, ("s3:/", settings.bucket, settings.prefix)))
        address: S3Config = {"region": settings.region}
        if settings.endpoint:
            address["endpoint"] = settings.endpoint
        self._store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            config=address,
            access_key_id=key_id,
            secret_access_key=secret,
            client_options={
                "allow_http": (settings.endpoint or "").startswith("http:"),
                "timeout": REQUEST_TIME,
                "connect_timeout": REQUEST_TIME / 5,
            },
            retry_config={"max_retries": _MAX_RETRIES, "retry_timeout": RETRY_TIME},
        )

    def address_of(self, key: str) -> str:
        return f"{self._named}/{key}"

    def read(self, key: str) -> tuple[bytes, str] | None:
        with self._explained():
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError:
                return None
            return bytes(found.bytes()), found.meta["e_tag"] or ""

    def replace(self, key: str, content: bytes, tag: str | None) -> str:
        """Replace the object with this entity tag, or put the first (None); return the new tag. Raise BucketError if one was faster."""
        mode: PutMode = "create" if tag is None else {"e_tag": tag}
        with self._explained():
            try:
                put = obstore.put(self._store, key, content, mode=mode)
            except (AlreadyExistsError, PreconditionError) as error:
                if _NO_BUCKET in str(error):
                    raise
                raise BucketError(
                    f"{self._named}: another process puts files there, too; the next cycle looks again"
                ) from None
            return put["e_tag"] or ""

    def put(self, key: str, content: bytes | BinaryIO, headers: Mapping[str, str]) -> str:
        with self._explained():
            put = obstore.put(
                self._store,
                key,
                content,
                attributes=dict(headers),
                chunk_size=PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
            return put["e_tag"] or ""

    def list(self) -> dict[str, str]:
        with self._explained():
            chunks = obstore.list(self._store, chunk_size=1000)
            return {one["path"]: one["e_tag"] or "" for chunk in chunks for one in chunk}

    def delete(self, keys: Sequence[str]) -> None:
        if keys:
            with self._explained():
                obstore.delete(self._store, keys)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            raise BucketError(f"{self._named}: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    """Return what a server answered, and what to do. The library's text is long, and names no remedy."""
    status, code = _STATUS.search(text), _CODE.search(text)
    if status is None:
        return "can't be reached, or is too slow; the next cycle tries again"
    answer = f"{status['status'].strip()}{f' ({code[1]})' if code else ''}"
    remedy = "the next cycle tries again"
    if answer.startswith(_DENIED):
        remedy = "let this key list, read, write and delete objects there"
    elif code and code[1] == _NO_BUCKET:
        remedy = "make the bucket first"
    return f"answered {answer}; {remedy}"
