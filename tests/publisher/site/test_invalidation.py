"""A deleted web root is restored."""

import shutil

from tests.processes import tree
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, public

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def test_a_deleted_web_root_is_restored_with_equal_bytes(
    publication: PublicationFolder,
) -> None:
    (publication.articles / "en").mkdir(parents=True, exist_ok=True)
    (publication.articles / "en" / "dot.png").write_bytes(PIXEL)
    publication.write(
        "en/tides.md", "![A dot](dot.png)\n\nWords.", title="Tides", date="2026-01-05"
    )
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).run()
    before = tree(public(publication))
    assert any(name.startswith("media/") for name in before)
    shutil.rmtree(public(publication))

    report = pipeline_of(publication).run()

    assert tree(public(publication)) == before
    assert (report.picked_up.new, report.picked_up.changed, report.sent.messages) == (0, 0, 0)
