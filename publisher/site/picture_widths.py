"""Make narrower copies of pictures in WebP, beside them, which `web_files.write_page` lets pages offer to browsers.

A cycle narrows some pictures; the others wait for the next ones, and then the pages that show them are written again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, delete, select

from publisher import web_files
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import ArticleError
from publisher.files import write_file
from publisher.log import log
from publisher.pictures.conversion import narrow_picture

# Pictures that a cycle narrows. Each takes half a second, the largest some seconds. By a clock, what is
# published would depend on the machine.
MOST_NARROWED = 20
SMALL_PICTURE = 20_000  # Bytes. Copies of smaller files would save hardly anything.
_MOST = 5_000  # pictures that a cycle looks at; a database takes so many values at once


def make_due_copies(
    settings: Settings,
    database: Database,
    mark_pages: Callable[[Connection, Sequence[str]], None],
) -> None:
    """Make the copies of pictures that articles brought; `mark_pages` has the pages written again that show some."""
    name = web_files.build_cache.c.name
    queued = name.startswith(web_files.PICTURE)
    with database.reading() as connection:
        query = select(name).where(queued).order_by(name).limit(_MOST + 1)
        due = connection.execute(query).scalars().all()
    done, narrowed = list[str](), list[str]()
    for one in due[:_MOST]:
        if len(narrowed) == MOST_NARROWED:
            break
        target = one.removeprefix(web_files.PICTURE)
        if _is_converted(settings, PurePosixPath(target)):
            narrowed.append(target)
        done.append(one)
    if not done:
        return
    if len(done) < len(due):
        log.info("pictures wait for narrower copies", pictures=len(due) - len(done))
    with database.writing() as connection:
        connection.execute(delete(web_files.build_cache).where(name.in_(done)))
        if narrowed:
            mark_pages(connection, narrowed)


def _is_converted(settings: Settings, target: PurePosixPath) -> bool:
    files = [root / target for root in (settings.folders.public, settings.folders.embargoed)]
    large = [file for file in files if file.is_file() and file.stat().st_size >= SMALL_PICTURE]
    due = [file for file in large if not web_files.copies_of(file)]
    for file in due:
        try:
            for width, content in narrow_picture(_content(file)):
                write_file(file.with_name(f"{file.stem}.{width}.webp"), content)
        except ArticleError as error:
            log.info("a picture has no narrower copies", picture=str(target), reason=str(error))
    return bool(due)


def _content(file: Path) -> bytes:
    """Return what is in a picture; that it can't be read concerns no other, that one can't be written does."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArticleError(f"it can't be read: {error.strerror}") from error
