"""`publisher new --from`: what is printed of a site."""

from pathlib import Path

from tests.publisher.cli.conftest import Run
from tests.publisher.ingest.sites.helpers import build, page


def test_what_was_understood_is_printed_and_the_next_command_too(
    tmp_path: Path, run: Run
) -> None:
    site = build(
        tmp_path / "site",
        {
            "_config.yml": "url: https://tidewatch.example\nlang: en",
            "_posts/2026-01-09-tide.md": page(title="Tide"),
            "_posts/fr/2026-01-09-tide.md": page(title="Marée").replace(
                "The tide comes in", "La marée"
            ),
            "_posts/2026-01-10-off.md": page(published="false"),
            "_posts/2026-01-11-bad.md": "---\ntitle: [\n---\n",
            "docs/a.md": page(title="A"),
            "docs/b.md": page(title="B"),
        },
    )
    code, out, _err = run("new", tmp_path / "mine", "--from", site)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{site}: a site of jekyll, which stands at https://tidewatch.example"
    assert lines[1:4] == [
        "  English (en): 1 article",
        "  Français (fr): 1 article",
        "  1 story, 1 in several languages",
    ]
    assert "Not published on purpose: 1 draft" in lines
    assert "Left out by name: 2 page (docs 2), 1 unknown ending (.yml 1)" in lines
    assert "Could not be read: 1 file" in lines
    assert any(line.startswith("  _posts/2026-01-11-bad.md: front matter") for line in lines)
    assert lines[-3].endswith("before mail is sent: title, url, sender, address")
    same = "the title of weekly, 'The week', is the same in all languages;"
    assert lines[-2].startswith(f"Words: {same} ")
    assert lines[-1] == f"Next: publisher run --once {tmp_path / 'mine'}"


def test_untranslated_copies_are_no_articles_of_their_language(
    tmp_path: Path, run: Run
) -> None:
    config = "export default {url: 'https://t.example', i18n: {defaultLocale: 'en', locales: ['en', 'fr', 'br', 'de']}};"
    place = "i18n/{}/docusaurus-plugin-content-blog/2026-01-09-{}.md"
    site = build(
        tmp_path / "site",
        {
            "docusaurus.config.js": config,
            "blog/2026-01-09-high.md": page(title="High"),
            "blog/2026-01-09-low.md": page(title="Low").replace("comes in", "goes out"),
            # Generators copy documents that nobody has translated yet.
            place.format("fr", "high"): page(title="High"),
            place.format("fr", "low"): page(title="Basse").replace("The tide", "La mer"),
            place.format("br", "high"): page(title="High", authors="Ann"),
        },
    )
    code, out, _err = run("new", tmp_path / "mine", "--from", site)
    assert code == 0
    assert out.splitlines()[1:7] == [
        "  English (en): 2 articles",
        "  Français (fr): 1 article",
        "  Brezhoneg (br): 0 articles",
        "  Declared by the site, and without an article: Deutsch (de)",
        "    If there are some: name their folder in a source of its own, by include and language",
        "  2 stories, 1 in several languages",
    ]
    assert "Not published on purpose: 2 untranslated\n" in out
    assert "\nWords: the program's own words are English in Brezhoneg (br); " in out
    _code, out, _err = run("run", "--once", tmp_path / "mine", "--now", "2026-02-01T00:00:00Z")
    assert "2 untranslated" in out


def test_a_folder_of_no_known_generator_is_said_to_be_that_and_is_an_archive(
    tmp_path: Path, run: Run
) -> None:
    site, mine = build(tmp_path / "texts", {"a.md": page(title="A")}), tmp_path / "mine"
    _code, out, _err = run("new", mine, "--from", site)
    assert out.splitlines()[:2] == [
        f"{site}: a plain folder",
        "  No generator that is known. If one builds pages of it, give their folder or address instead",
    ]
    run("run", "--once", mine)
    _code, out, _err = run("sources", "list", mine)
    assert "1 article, 1 of them an archive" in out
