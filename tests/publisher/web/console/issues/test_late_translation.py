"""A translation that came after its story was selected in another language, on the page of the issue that took it."""

import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.issues.test_issue_languages import ARABIC, in_two_languages


def in_arabic_afterwards(publication: PublicationFolder) -> None:
    """Have the story that Arabic shows in English translated after its issue was made."""
    in_two_languages(publication)
    publication.write("ar/tides.md", "المدّ.", title="المدّ", date="2026-01-07")
    pipeline_of(publication).prepare()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    arabic = {"missing": "fallback", "fallback": ["en"]}
    weekly = {"name": "weekly", "edition": {"ar": arabic}}
    return made_ready(in_arabic_afterwards, languages=["en", "ar"], newsletters=[weekly])


@pytest.mark.usefixtures("publication")
def test_the_page_says_that_a_translation_was_taken_and_by_whom_and_takes_it_back(
    sign_in: SignIn,
) -> None:
    client = sign_in("editor")
    page = client.get(f"/issues/{ARABIC}/").text
    assert page.count("the translation came later") == 2  # seen, and read out
    history = page.partition('id="edits"')[2]
    assert "the program" in history
    assert "translation taken" in history
    (edit,) = {part.partition('"')[0] for part in history.split('name="edit" value="')[1:]}
    answer = client.post(f"/issues/{ARABIC}/edits/undo/", data={"edit": edit})
    assert answer.status_code == 303
    assert "the translation came later" not in client.get(f"/issues/{ARABIC}/").text
