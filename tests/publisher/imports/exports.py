"""Exports of other systems, made for tests, and a publication that they are imported into."""

from pathlib import Path

from publisher.app.imports import ExportReport, import_export
from publisher.imports.model import ExportWishes
from publisher.polling.foreign_pictures import copied_picture
from tests.publisher.conftest import PublicationFolder

VERSIONS = [
    f"{start}://wordpress.org/export/1.{n}/" for start in ("http", "https") for n in range(3)
]
LINKED = ExportWishes(pictures="link")
SITE = "https://old.example"


def wxr(*items: str, space: str = VERSIONS[2], head: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><rss xmlns:excerpt="{space}excerpt/" xmlns:wp="{space}" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><link>{SITE}</link><language>en-US</language><wp:author><wp:author_login>ada</wp:author_login>"
        "<wp:author_display_name>Ada Lark</wp:author_display_name></wp:author>"
        f"{head}{''.join(items)}</channel></rss>"
    ).encode()


def item(number: int, title: str, text: str, more: str = "", **values: str) -> str:
    """Give a post, or what `values` make of it: elements of `wp` by name."""
    usual = {
        "post_id": str(number),
        "post_type": "post",
        "status": "publish",
        "post_name": title.lower().replace(" ", "-"),
        "post_date_gmt": "2026-01-08 09:30:00",
    }
    parts = "".join(
        f"<wp:{name}>{value}</wp:{name}>" for name, value in (usual | values).items()
    )
    return (
        f"<item><title>{title}</title><link>{SITE}/{usual['post_name']}/</link><dc:creator>ada</dc:creator>"
        f"<content:encoded><![CDATA[{text}]]></content:encoded><excerpt:encoded/>{parts}{more}</item>"
    )


def term(domain: str, short: str, name: str = "") -> str:
    return f'<category domain="{domain}" nicename="{short}"><![CDATA[{name}]]></category>'


ENGLISH = (
    "The ferry leaves the harbour at nine, and whoever is late has to wait for the next one."
)
FRENCH = "Le ferry quitte le port à neuf heures, et qui est en retard doit attendre le prochain bateau."


class Bring:
    """Imports exports into a publication in English and French."""

    def __init__(self, publication: PublicationFolder, file: Path) -> None:
        self.publication, self.file = publication, file

    def __call__(self, content: bytes | None, options: ExportWishes = LINKED) -> ExportReport:
        if content is not None:
            self.file.write_bytes(content)
        to, now = self.publication.settings, self.publication.clock.now()
        return import_export(to, now, self.file, options, None, copied_picture)


def reasons(report: ExportReport) -> dict[str, str]:
    return {one.post.entry.title: one.left_out for one in report.files}
