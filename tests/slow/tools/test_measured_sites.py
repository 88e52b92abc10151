"""What arrives of sites of all generators, measured by their own files."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sizes import by_lane, only_at_night
from tools.site_measure.documents import letters
from tools.site_measure.examples import EXAMPLE_SITES, build_example
from tools.site_measure.generators import detected_generator, expected_articles
from tools.site_measure.measures import Measure, measure
from tools.site_measure.published import PublishedSite, publish

# Real sites lie beside the project's folder, and are no part of it.
_CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
_REAL_SITES = ("docusaurus", "hugo", "optech")


def missed(measures: list[Measure]) -> dict[str, list[str]]:
    """Return what failed of the measures whose aim was missed."""
    return {one.name: one.failed[:5] for one in measures if not one.is_met}


def measured(site: Path, made: PublishedSite) -> list[Measure]:
    return measure(expected_articles(site, detected_generator(site)), made, site)


def arrived(generator: str, folder: Path) -> PublishedSite:
    """Publish an example, of which everything arrives."""
    site = build_example(generator, folder / "site")
    assert detected_generator(site) == generator
    made = publish(site, folder / "publication", None)
    measures = measured(site, made)
    assert missed(measures) == {}
    assert next(one for one in measures if one.name == "articles recall").expected > 1
    assert next(one for one in measures if one.name == "links between articles").expected > 1
    return made


@pytest.mark.parametrize(
    "generator", by_lane(["jekyll"], sorted(EXAMPLE_SITES.keys() - {"hugo"}))
)
def test_a_small_site_arrives_whole(generator: str, tmp_path: Path) -> None:
    arrived(generator, tmp_path)


@only_at_night
# Hundreds of posts, on a machine that does other things, too.
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", _REAL_SITES)
def test_a_real_site_arrives_whole(name: str, tmp_path: Path) -> None:
    site = _CORPUS / name
    if not site.is_dir():
        pytest.skip("the site is not here")
    assert missed(measured(site, publish(site, tmp_path / "publication", None))) == {}


def test_a_site_of_hugo_arrives_whole_and_what_is_lost_of_one_is_found(tmp_path: Path) -> None:
    made = arrived("hugo", tmp_path)
    # A site that has more than what was published.
    site = tmp_path / "site"
    post = site / "content/posts/second-kite.md"
    text = post.read_text("utf-8").replace("author: ", "author: Cy Moor and ")
    table = "\n| a |\n|---|\n| b |\n\nA sentence that nobody has published anywhere yet.\n"
    post.write_text(text.replace("2026-01-10", "2026-01-11") + table)
    (site / "content/posts/new.md").write_text(
        "---\ntitle: New\ndate: 2026-01-20\n---\nWords.\n"
    )
    found = missed(measured(site, made))
    assert sorted(found) == ["articles recall", "authors", "dates", "lost without a notice"]
    assert len(found["lost without a notice"]) == 2
    # A file without a copy, and a dead link without a notice.
    site = build_example("hugo", tmp_path / "again")
    (made.folder / "public/plans/kite.zip").unlink()
    (site / "static/plans/lost.zip").write_bytes(b"It was there all the time.")
    assert sorted(missed(measured(site, made))) == ["dead links right", "links to files"]
    unnoted = replace(made, problems={})
    assert "/plans/lost.zip" in str(missed(measured(site, unnoted))["dead links noted"])


def test_letters_are_what_typesetting_keeps() -> None:
    assert letters("“It’s” &amp; so—on…") == letters('"It\'s" & so -- on...')
