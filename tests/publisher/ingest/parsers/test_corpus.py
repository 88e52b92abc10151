import time
from datetime import date
from pathlib import Path, PurePosixPath

import pytest

from publisher.articles.model import Byline, ParsedArticle
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import SourceDocument
from tests.publisher.ingest.helpers import CORPUS, MemoryLibrary
from tests.sizes import only_at_night

FILES = sorted((CORPUS / "optech").glob("*/*.md"))
present = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")


def read_file(path: Path) -> ParsedArticle:
    relative = PurePosixPath(path.relative_to(CORPUS).as_posix())
    return parse_document(SourceDocument(relative, path.read_bytes()), MemoryLibrary())


@present
def test_the_seed_page() -> None:
    draft = read_file(CORPUS / "seed-article.txt")
    assert draft.title == "Eyes on DPRK: Prospects for China-U.S. Cooperation"
    assert draft.published == date(2017, 4, 10)
    assert draft.bylines == (
        Byline(name="Wu Sike", affiliation="Member on Foreign Affairs Committee, CPPCC"),
    )
    assert draft.language == "en"
    assert draft.offered == ("en", "zh-Hans", "zh-Hant")
    assert draft.html.count("<p>") == draft.text.count("\n\n") + 1 == 9
    assert draft.text.startswith("The situation on the Korean Peninsula")
    assert draft.text.endswith("peace will prevail on the Korean Peninsula.")


@only_at_night
@present
def test_every_newsletter_of_the_corpus_is_parsed_completely_and_quickly() -> None:
    read_file(FILES[0])  # what is loaded once is not what one article costs
    began = time.process_time()
    drafts = {path: read_file(path) for path in FILES}
    # It takes 0.013 seconds; the rest is for slow machines that measure coverage meanwhile.
    assert (time.process_time() - began) / len(FILES) < 0.15
    assert len(drafts) == 155
    for path, draft in drafts.items():
        residue = [
            mark for mark in ("{%", "{{", "][topic", "][]", "<!--") if mark in draft.html
        ]
        assert not residue, path.name
        assert draft.published == date.fromisoformat(path.name[:10])
        assert len(draft.text) > 1000
        assert draft.language == path.parent.name
        assert not draft.is_draft
        assert "**" not in draft.text.replace("2**32", "").replace("** ", "")


@present
def test_assigned_addresses_make_links() -> None:
    draft = read_file(CORPUS / "optech/en/2025-06-27-newsletter.md")
    assert '<a href="https://bitcoin.stackexchange.com/a/127456">' in draft.html
