"""Keep an unexpected error of one source, issue, page or hub from stopping the others of a cycle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from publisher.errors import PublisherError
from publisher.files import explain_error, is_disk_full
from publisher.log import log

Report = Callable[[str], object]  # gets why something was held back


def unreported(_problem: str) -> None:
    """Report nothing: the log has it."""


@contextmanager
def isolated(what: str, report: Report, connection: Connection | None = None) -> Iterator[None]:
    """Do work on one of several independent things. Its error is logged and reported, and the others go on.

    `report` gets the reason; `what` names the thing where the error does not. With the `connection` of a
    transaction that several things share, what this one has written is undone. Errors that concern all things
    are raised: see `stops_all`.
    """
    try:
        with connection.begin_nested() if connection is not None else nullcontext():
            yield
    except Exception as error:
        if stops_all(error):
            raise
        why = explain_fault(error)
        report(why if isinstance(error, PublisherError) else f"{what}: {why}")
        if isinstance(error, PublisherError | OSError):  # no fault of the program
            log.error("held back; the rest goes on", what=what, reason=why)
        else:
            log.exception("held back by a fault of the program; the rest goes on", what=what)


def stops_all(error: BaseException) -> bool:
    """Return whether an error would meet the next thing, too: no disk, database or lease. Pure."""
    if isinstance(error, PublisherError):
        return error.stops_all
    if isinstance(error, OSError):
        return is_disk_full(error)
    lost = (OperationalError, InterfaceError, PoolTimeoutError)
    # A damaged file is none of its subclasses, which are about what a statement says.
    is_damage = type(error) is DatabaseError
    return isinstance(error, lost) or is_damage or not isinstance(error, Exception)


def explain_fault(error: Exception) -> str:
    """Return why something was held back. An unexpected error is named as a fault of the program. Pure."""
    if isinstance(error, PublisherError | OSError):
        has_file = isinstance(error, OSError) and error.filename
        return explain_error(error, Path()) if has_file else str(error)
    return f"a fault of the program: {error!r}; the log has the traceback"
