"""A bucket on a server of its own, and a publication whose files go there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from publisher.bucket import client
from publisher.config import Settings
from publisher.config.web import BucketSettings
from tests.publisher.conftest import PublicationFolder
from tools.servers.s3 import BUCKET, CREDENTIALS, REGION, S3, running_s3


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    # Faults are answered at once: there is nothing to wait for.
    monkeypatch.setattr(client, "RETRY_TIME", timedelta(milliseconds=100))
    with running_s3() as server:
        yield server


def in_bucket(settings: Settings, s3: S3, **changes: object) -> Settings:
    """Return settings whose files go into the bucket, below `news/`."""
    table = {"bucket": BUCKET, "endpoint": s3.address, "region": REGION, "prefix": "news"}
    secrets = {name: SecretStr(value) for name, value in CREDENTIALS.items()}
    return replace(settings, s3=BucketSettings.model_validate(table | changes), secrets=secrets)


@pytest.fixture
def lantern(publication: PublicationFolder, s3: S3) -> PublicationFolder:
    publication.settings = in_bucket(publication.settings, s3)
    return publication
