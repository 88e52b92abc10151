"""A correction's mail and page in each language of the catalogues."""

from __future__ import annotations

import pytest

from publisher.errors import RenderingError
from publisher.rendering import Renderer
from publisher.rendering.correction import CorrectionContent
from tests.publisher.rendering import sample

PREFIXES = {"en": "Correction: ", "zh-Hans": "更正：", "zh-Hant": "更正：", "ar": "تصويب: "}


def changed(content: CorrectionContent, **changes: str) -> CorrectionContent:
    values = {name: getattr(content, name) for name in CorrectionContent.__dataclass_fields__}
    return CorrectionContent(**(values | changes))


@pytest.mark.parametrize("language", PREFIXES)
def test_the_subject_has_the_prefix_of_its_language_and_both_parts_the_same_links(
    language: str,
) -> None:
    content = sample.correction(language)
    digest = Renderer().correction(content)
    assert digest.subject.startswith(PREFIXES[language])
    for part in (digest.html, digest.text):
        assert content.web_url in part
        assert content.first_url in part
        assert "@@UNSUBSCRIBE@@" in part
    page = Renderer().correction_page(content, ())
    assert f'lang="{language}"' in page
    assert "@@" not in page


def test_words_of_an_editor_are_escaped_and_a_correction_without_words_is_no_mail() -> None:
    content = sample.correction("en")
    digest = Renderer().correction(changed(content, subject="<b>&amp;"))
    assert "<b>&amp;" not in digest.html
    assert digest.subject == "Correction: <b>&amp;"
    with pytest.raises(RenderingError, match="without words"):
        Renderer().correction(changed(content, html="<p> </p>"))
