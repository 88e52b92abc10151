"""Articles as both parts of a mail have them, beside the HTML that they are made of.

When a change of the output is meant, write the new documents with
`python -m tests.publisher.rendering.prose.test_documents` and read the difference before it is
committed.
"""

from pathlib import Path

import pytest

from publisher.rendering.prose import body_links, mail_html, plain_text
from tests.publisher.rendering.prose.helpers import BASE, read

DATA = Path(__file__).with_name("data")
SOURCES = sorted(DATA.glob("*.html"))


def documents(source: Path) -> dict[Path, str]:
    """Give what is expected of an article, `name.language.html`, by file."""
    language = source.name.split(".")[1]
    prose = read(source.read_text("utf-8"))
    html = mail_html(prose, language=language, base_url=BASE)
    text = plain_text(prose, language=language)
    listed = "".join(
        f"\n{link.title}\n{link.url}\n" for link in body_links(prose, base_url=BASE)
    )
    return {
        source.with_suffix(".mail"): f"{html}\n",
        source.with_suffix(".txt"): f"{text}\n{listed}",
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_documents_are_as_expected(source: Path) -> None:
    for file, content in documents(source).items():
        assert content == file.read_text("utf-8")


if __name__ == "__main__":
    for path in SOURCES:
        for file, content in documents(path).items():
            file.write_text(content, "utf-8")
