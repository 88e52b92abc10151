"""What is too large or without end in a site is refused by name, and the rest goes on."""

import pytest
from sqlalchemy import select

from publisher.articles.tables import article_address
from publisher.i18n.article_problems import ProblemKind
from tests.cpu_time import at_most
from tests.publisher.conftest import Make, PublicationFolder
from tests.publisher.ingest.helpers import stored_problems

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
GOOD = "---\ntitle: Good\ndate: 2026-01-05\n---\nWords.\n"
POST = "_posts/2026-01-05-good.md"


def site_of(new_publication: Make, **files: str) -> PublicationFolder:
    publication = new_publication(sources=[{"kind": "folder", "path": "articles"}])
    for path, text in files.items():
        publication.write(path, text.encode())
    return publication


@pytest.mark.parametrize(
    ("file", "text", "post"),
    [
        ("_config.yml", 'url: "https://[username].github.io"', POST),
        ("_config.yml", 'url: "https://example.org:port"', POST),
        ("_config.yml", "plugins: 5\ngems: 5\nexclude: 5\nlanguages: 5", POST),
        ("_config.yml", "defaults: [5, {scope: 5, values: 5}, {scope: {type: [a]}}]", POST),
        ("_config.yml", f"source: {'a' * 5000}\n", "a.md"),
        ("_config.yml", 'source: "a\\0b"\n', "a.md"),
        ("hugo.toml", 'baseURL="https://[n].example/"\ndisableKinds = 5', "content/posts/a.md"),
        ("docusaurus.config.js", 'export default { url: "https://[n]", presets: [["classic", {}]] }', "blog/2026-01-05-a.md"),
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_in_a_configuration_stops_nothing(
    new_publication: Make, file: str, text: str, post: str
) -> None:
    other = {"kind": "folder", "path": "other", "site": "plain"}
    sources = [{"kind": "folder", "path": "articles"}, other]
    publication = new_publication(sources=sources)
    publication.write(file, text.encode())
    publication.write(post, GOOD.encode())
    publication.write("../other/fine.md", GOOD.replace("Good", "Fine").encode())
    assert publication.pick_up().problems == []
    titles = {one.title for one in publication.all().values()}
    assert titles == ({"Fine"} if post == "a.md" else {"Good", "Fine"})


def test_templates_that_loop_are_named_and_the_rest_goes_on(new_publication: Make) -> None:
    loop = "{% for a in (1..99999) %}{% for b in (1..99999) %}x{% endfor %}{% endfor %}"
    circle = "{% include round.html %}"
    head = "---\ntitle: One\n---\n"
    publication = site_of(
        new_publication,
        **{
            "_config.yml": "title: Sea\n",
            "_includes/round.html": circle,
            "_posts/2026-01-05-loop.md": f"{head}{loop}",
            "_posts/2026-01-05-circle.md": f"{head}{circle}",
            "_posts/2026-01-05-good.md": GOOD,
        },
    )
    with at_most(20):
        publication.pick_up()
    named = {problem.file for problem in stored_problems(publication)}
    assert named == {"_posts/2026-01-05-loop.md", "_posts/2026-01-05-circle.md"}
    assert "Good" in {one.title for one in publication.all().values()}


def test_data_whose_aliases_multiply_cost_only_what_shows_them(new_publication: Make) -> None:
    publication = site_of(
        new_publication,
        **{
            "_config.yml": "title: Sea\n",
            "_data/bomb.yml": BOMB,
            "_posts/2026-01-05-bad.md": "---\ntitle: Bad\n---\nSee {{ site.data.bomb.j }}.",
            "_posts/2026-01-05-good.md": GOOD,
        },
    )
    with at_most(20):
        publication.pick_up()
    assert "{{ site.data.bomb.j" in str(publication.quarantine())
    assert [one.title for one in publication.all().values()] == ["Good"]


@pytest.mark.parametrize(
    "text",
    [BOMB, BOMB.replace("[", "{<<: [").replace("]", "]}").replace("x", "{x: 1}"), "a: &a [*a]"],
    ids=["lists", "merged", "in itself"],
)
def test_a_configuration_whose_aliases_multiply_is_refused_by_name(
    new_publication: Make, text: str
) -> None:
    publication = site_of(new_publication, **{"_config.yml": f"title: Sea\n{text}"})
    with at_most(10):
        problems = publication.pick_up().problems
    assert "_config.yml: can't be read: its aliases stand for too much" in problems[0]


def test_links_in_circles_end(new_publication: Make) -> None:
    publication = site_of(new_publication, **{"good.md": GOOD})
    folder = publication.articles
    (folder / "_config.yml").symlink_to("_config.yml")
    (folder / "_data").symlink_to(".")
    (folder / "round").symlink_to("..")
    publication.pick_up()
    assert [one.title for one in publication.all().values()] == ["Good"]


def test_old_addresses_in_a_circle_lead_to_the_articles(new_publication: Make) -> None:
    post = "---\ntitle: {0}\npermalink: /{0}/\nredirect_from: [/{1}/, /{0}/]\n---\nWords.\n"
    publication = site_of(
        new_publication,
        **{
            "_config.yml": "url: https://news.example.org\n",
            "_posts/2026-01-05-a.md": post.format("a", "b"),
            "_posts/2026-01-05-b.md": post.format("b", "a"),
        },
    )
    publication.pick_up()
    lost = {
        (one.file[-4:], one.problem.what)
        for one in stored_problems(publication)
        if one.problem.kind is ProblemKind.LOST_ADDRESS
    }
    with publication.database.reading() as connection:
        query = select(article_address.c.path, article_address.c.leads_to)
        leads = connection.execute(query.where(article_address.c.leads_to.is_not(None))).all()
    taken = "another article stands there"
    assert lost == {("b.md", f"/a/: {taken}"), ("b.md", f"/b/: {taken}")}
    page = "https://news.example.org/en/stories/a/"
    assert sorted(map(tuple, leads)) == [("/a/", page), ("/b/", page)]


def test_folders_below_folders_without_end_are_named(publication: PublicationFolder) -> None:
    places = [publication.articles]
    for _level in range(1_200):
        places.append(places[-1] / "d")
        places[-1].mkdir()
    problems = publication.pick_up().problems
    for place in reversed(places):  # what removes folders for pytest calls itself, too
        place.rmdir()
    assert "its folders are nested too deep" in problems[0]
