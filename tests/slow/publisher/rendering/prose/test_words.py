"""A story's words are its article's words, in both parts of a mail, in every language."""

from pathlib import Path

from publisher.rendering.prose import mail_content
from tests.publisher.ingest.helpers import read_text
from tests.publisher.rendering.prose.test_words import check
from tests.sizes import only_at_night

TAGS = {"zh": "zh-Hans"}


@only_at_night
def test_every_article_of_a_real_archive(corpus: Path) -> None:
    files = sorted((corpus / "optech").rglob("*.md"))
    assert len(files) > 100
    for file in files:
        draft = read_text(file.name, file.read_text("utf-8"))
        language = TAGS.get(file.parent.name, file.parent.name)
        check(mail_content(draft.html), draft.text, language)
