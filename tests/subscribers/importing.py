"""An import in one transaction of a test's."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection

from subscribers.lists.import_export import ImportOptions, ImportReport, import_in_portions
from subscribers.lists.rows import ListPublication
from tests.subscribers.conftest import NEWSLETTERS, PUBLICATION


def import_csv(
    connection: Connection,
    file: Iterable[bytes | str],
    *,
    languages: Callable[[str], str | None] = PUBLICATION.languages,
    default_language: str = "en",
    newsletters: Sequence[str] = NEWSLETTERS,
    **options: Any,
) -> ImportReport:
    """Do what `import_in_portions` does, by default for the sample publication."""
    publication = ListPublication(
        languages=languages, default_language=default_language, newsletters=newsletters
    )
    asked = ImportOptions(**options)
    return import_in_portions(lambda: nullcontext(connection), file, publication, asked)
