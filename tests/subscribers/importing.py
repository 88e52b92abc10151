"""An import in one transaction of a test's."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection

from subscribers.lists.import_export import ImportReport, import_in_portions


def import_csv(
    connection: Connection, file: Iterable[bytes | str], **values: Any
) -> ImportReport:
    """Do what `import_in_portions` does, with its other arguments."""
    return import_in_portions(lambda: nullcontext(connection), file, **values)
