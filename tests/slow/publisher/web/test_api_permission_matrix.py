"""Each operation of the API, about objects of each language, by each role and by keys for a language or for all."""

from __future__ import annotations

import pytest

from publisher.accounts.model import Role
from publisher.web.api import credentials
from publisher.web.api.application import OPERATIONS
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.api.conftest import NewKey, api, api_context, new_key
from tests.publisher.web.api.test_document import UNLIMITED, matrix, surprises

__all__ = ["api", "api_context", "new_key"]

LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")


@pytest.mark.parametrize("role", Role)
def test_each_operation_lets_in_whom_the_tables_permit(
    new_key: NewKey,
    publication: PublicationFolder,
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
) -> None:
    monkeypatch.setattr(credentials, "_BY_KEY", UNLIMITED)
    publication.reload(languages=[*LANGUAGES])
    cases = [one for one in matrix(OPERATIONS, LANGUAGES) if one[2] is role]
    assert len(cases) > 1_000
    assert [*surprises(new_key, publication, cases)] == []
