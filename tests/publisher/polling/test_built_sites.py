"""Sites of generators that the program does not know: what arrives of their built pages."""

import re
from collections import Counter

import pytest

from tests.publisher.conftest import Make
from tests.publisher.polling.built_sites import BASE, build_site, posts
from tests.publisher.polling.polled_publication import Polled


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


@pytest.mark.parametrize("generator", ["Astro", "Zola", "Pelican"])
def test_all_articles_of_a_built_site_arrive_and_nothing_else(
    generator: str, new_publication: Make
) -> None:
    source = {
        "kind": "pages",
        "name": "tide",
        "path": "dist",
        "content": "full",
        "problems": {"language-doubtful": "ignore"},
    }
    base = {"base": BASE} if generator == "Pelican" else {}
    folder = new_publication(sources=[{**source, **base}], languages=["en", "fr"])
    made = posts(30)
    build_site(generator, folder.settings.folders.root / "dist", made)
    polled = Polled(folder, None)  # type: ignore[arg-type]  # nothing is fetched
    polled.cycle()
    expected = {(one.language, one.title): one for one in made}
    found = {(one.language, one.title): one for one in folder.all().values()}
    assert found.keys() == expected.keys()
    kept, beside, all_words = 0, 0, 0
    for key, post in expected.items():
        article = found[key]
        assert article.canonical_url == post.url
        assert str(article.published_on) == post.day
        assert "<table>" in article.html
        assert "<pre>" in article.html
        own, read = (
            words(" ".join((*post.paragraphs, "Repair Ship forty lift 40"))),
            words(article.text),
        )
        kept += (own & read).total()
        beside += (read - own).total()
        all_words += own.total()
    assert kept >= 0.98 * all_words
    assert beside <= 0.02 * all_words
    stories = {key: one.story_id for key, one in found.items()}
    for one in made:
        both = [
            stories[key]
            for key, post in expected.items()
            if post.url in {one.url, f"{BASE}/{one.other}"}
        ]
        assert len({*both}) == 1
    assert len({*stories.values()}) == 30
