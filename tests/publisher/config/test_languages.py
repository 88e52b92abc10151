"""Languages that don't fit together are told at once, with the key and what would be right."""

from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.errors import ConfigError
from tests.publisher.config.samples import TEXT, write

WEEKLY = TEXT.index("[newsletter.edition.zh-Hans]")


def refused(folder: Path, terms: str, editions: str = "") -> str:
    text = TEXT[:WEEKLY] + f"{terms}\n{editions}\n"
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text), {})
    return str(caught.value).partition("publication.toml: ")[2]


@pytest.mark.parametrize(
    ("terms", "editions", "expected"),
    [
        (
            'languages = ["en"]',
            '[newsletter.edition.ar]\nlate = "skip"',
            (
                "newsletter[0].edition.ar: the newsletter has no edition in ar; "
                "add it to the newsletter's languages, or remove edition.ar"
            ),
        ),
        (
            "",
            '[newsletter.edition.ar]\nmissing = "convert"',
            (
                "newsletter[0].edition.ar.missing: nothing can be converted into ar; "
                "use skip or fallback; only Chinese is converted, between its scripts"
            ),
        ),
        (
            "",
            '[newsletter.edition.ar]\nmissing = "fallback"',
            (
                "newsletter[0].edition.ar.missing: falls back, but to which language; "
                'add fallback = ["en"], the best language first'
            ),
        ),
        (
            'missing = "fallback"',
            "",
            (
                "newsletter[0].missing: falls back, but to which language; "
                'add fallback = ["en"], the best language first'
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, terms: str, editions: str, expected: str
) -> None:
    assert refused(tmp_path, terms, editions) == expected


def test_an_edition_may_fall_back_to_what_its_newsletter_says(tmp_path: Path) -> None:
    text = TEXT[:WEEKLY] + 'fallback = ["en"]\n[newsletter.edition.ar]\nmissing = "fallback"\n'

    assert load_settings(write(tmp_path, text), {}).newsletters[0].fallback == ("en",)
