"""Settings of a bucket in S3-compatible storage, which gets a copy of the web root."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from publisher.config.values import ConfigTable, WebAddress

# The environment variables with the credentials of [s3], by the names that other tools give them.
S3_KEY_ID = "AWS_ACCESS_KEY_ID"
S3_SECRET = "AWS_SECRET_ACCESS_KEY"  # noqa: S105  # the variable's name, not its value

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*|")


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError(
            f"{value!r} is no bucket; write its name in small letters, digits and hyphens"
        )
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(f"{value!r} is no prefix; write one like news or sites/news")
    return value


class BucketSettings(ConfigTable):
    """The table [s3]: where the files of the web root are copied to."""

    bucket: Annotated[str, AfterValidator(_bucket)]
    # The server's address; None for Amazon's in the region.
    endpoint: WebAddress | None = None
    region: str = Field(default="us-east-1", min_length=1)
    # What all keys begin with, without the slash that follows.
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    # Whether text is stored compressed by gzip. A content network that compresses does not need it.
    compressed: bool = Field(default=True, strict=True)
