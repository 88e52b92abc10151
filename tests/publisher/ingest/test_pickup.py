"""Folders and what the database knows of them: what is new, changed, gone, moved or unreadable."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from publisher.i18n.article_problems import ProblemAction, ProblemKind
from publisher.ingest.pickup import source_pickup, upsert
from publisher.ingest.sources import folder
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.sources.folder import FolderSource
from publisher.ingest.tables import source_item
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.ingest.helpers import png, stored_problems
from tests.sizes import only_at_night

# What changed


def test_a_new_file_is_an_article_and_nothing_changed_is_nothing_done(
    publication: PublicationFolder,
) -> None:
    done = publication.pick_up_file(
        "ferry.md", title="The ferry", date="2026-01-08", author="Ann Example"
    )
    assert (done.new, done.has_changes) == (1, True)
    found = publication.one("ferry")
    assert (found.title, found.language, found.slug) == ("The ferry", "en", "ferry")
    assert (found.published_on, found.available_at) == (date(2026, 1, 8), NOW)
    publication.pick_up_file("ferry.md", title="The ferry", date="2026-01-08")
    before = publication.everything()
    done = publication.pick_up()
    assert (done.new, done.changed, done.unchanged, done.has_changes) == (0, 0, 1, False)
    assert publication.everything() == before


@pytest.fixture
def long_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file have been changed long before it is read."""
    monkeypatch.setattr(folder, "file_system_time", lambda _marker: 2**62)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the files that are opened."""
    found: list[str] = []
    read = FolderSource.read

    def note(source: FolderSource, item: Item) -> RawItem:
        found.append(item.key)
        return read(source, item)

    monkeypatch.setattr(FolderSource, "read", note)
    return found


def change(file: Path, content: bytes) -> None:
    """Write until the clock has moved: that takes a few thousandths of a second."""
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:
        file.write_bytes(content)


def test_a_file_that_was_read_soon_after_its_change_is_opened_again_until_it_was_not(
    publication: PublicationFolder, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.write("ferry.md", title="The ferry")
    for _ in range(2):
        publication.pick_up()
    assert [row["signature"] for row in publication.rows(source_item)] == [""]
    monkeypatch.setattr(folder, "file_system_time", lambda _marker: 2**62)
    for _ in range(3):
        publication.pick_up()
    assert opened == ["ferry.md"] * 3


@pytest.mark.usefixtures("long_after")
def test_a_touched_folder_is_read_once_and_then_trusted(
    publication: PublicationFolder, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [publication.write(f"a{n}.md", title="A", date="2026-01-08") for n in range(3)]
    publication.pick_up()
    before = publication.everything()
    opened.clear()
    for file in files:
        os.utime(file, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(upsert._Upserter, "store", None)  # there is nothing to store
    for _ in range(3):
        done = publication.pick_up()
        assert (done.unchanged, done.has_changes) == (3, False)
    assert opened == ["a0.md", "a1.md", "a2.md"]
    assert publication.everything() == before


@pytest.mark.usefixtures("long_after")
def test_a_change_after_a_touch_is_noticed(publication: PublicationFolder) -> None:
    file = publication.write("ferry.md", "One.", title="The ferry")
    publication.pick_up()
    os.utime(file, (1_000_000_000, 1_000_000_000))
    publication.pick_up()
    change(file, file.read_bytes().replace(b"One", b"Two"))
    assert publication.pick_up().changed == 1
    assert publication.one("ferry").text == "Two."


def test_a_changed_file_keeps_its_article_with_a_new_updated_time(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("ferry.md", title="The ferry", date="2026-01-08")
    before = publication.one("ferry")
    publication.write("ferry.md", title="The old ferry", date="2026-01-08")
    later = NOW + timedelta(hours=5)
    assert publication.at(later).pick_up().changed == 1
    found = publication.one("ferry")
    assert (found.id, found.title, found.updated_at) == (before.id, "The old ferry", later)
    assert found.published_at == before.published_at
    assert found.available_at == before.available_at


def test_an_edit_of_equal_size_with_its_time_put_back_is_noticed(
    publication: PublicationFolder,
) -> None:
    file = publication.write("ferry.md", "One.", title="The ferry")
    publication.pick_up()
    times = file.stat()
    publication.write("ferry.md", "Two.", title="The ferry")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert publication.pick_up().changed == 1
    assert publication.one("ferry").text == "Two."


@pytest.mark.parametrize("matter", [{}, {"key": "crossing"}])
def test_a_renamed_file_keeps_article_slug_and_availability(
    publication: PublicationFolder, matter: dict[str, str]
) -> None:
    file = publication.write("ferry.md", title="The ferry", date="2026-01-08", **matter)
    publication.pick_up()
    (before,) = publication.all().values()
    file.rename(publication.articles / "boat.md")
    done = publication.at(NOW + timedelta(days=1)).pick_up()
    (found,) = publication.all().values()
    assert (done.moved, done.changed, done.new, done.removed) == (1, 0, 0, 0)
    assert (found.id, found.story_id, found.slug) == (before.id, before.story_id, before.slug)
    assert found.available_at == before.available_at
    assert found.updated_at == before.updated_at


def test_two_equal_files_that_are_renamed_together_stay_two_articles(
    publication: PublicationFolder,
) -> None:
    for name in ("a.md", "b.md"):
        publication.write(name, title="Twin", date="2026-01-08")
    publication.pick_up()
    before = {one.id for one in publication.all().values()}
    for old, new in (("a.md", "c.md"), ("b.md", "d.md")):
        (publication.articles / old).rename(publication.articles / new)
    done = publication.pick_up()
    assert (done.moved, done.removed) == (2, 0)
    assert {one.id for one in publication.all().values()} == before
    assert set(publication.all()) == {("c", "en"), ("d", "en")}


def test_a_copy_is_not_taken_for_a_move(publication: PublicationFolder) -> None:
    publication.pick_up_file("a.md", title="Twin", date="2026-01-08")
    shutil.copyfile(publication.articles / "a.md", publication.articles / "b.md")
    (publication.articles / "z.md").write_text("---\ntitle: Z\n---\nz")
    done = publication.pick_up()
    assert (done.new, done.moved) == (2, 0)


def test_changed_settings_make_every_file_be_read_again(publication: PublicationFolder) -> None:
    publication.write("fr/x.md", title="Le bac", date="2026-01-09")
    publication.pick_up_file("x.md", title="The ferry", date="2026-01-09")
    publication.reload(languages=["en", "fr"], timezone="Asia/Hong_Kong")
    assert publication.pick_up().changed == 2
    assert publication.one("x").published_at == NOW - timedelta(hours=20)
    assert publication.visible("fr") == ["x"]


def test_a_language_of_the_source_is_its_default(new_publication: Make) -> None:
    source = {"kind": "folder", "path": "articles", "language": "ar"}
    publication = new_publication(sources=[source])
    publication.pick_up_file("x.md", title="X")
    assert list(publication.all()) == [("x", "ar")]


# What can't be read


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"---\ntitle: [\n---\ntext", "front matter"),
        (b"---\ntitle: T\nlang: klingonish\n---\ntext", "'klingonish' is not a language tag"),
        (b"---\ntitle: T\n---\n\xc3\x28 text", "not UTF-8"),
        (b"nothing but words", "no title"),
        (b"---\ntitel: A\n---\nx", "no title; titel is not read; did you mean title?"),
        (b"---\ntitle: T\n---\n" + b"x" * 5_000_000, "larger than 5 MB"),
    ],
)
def test_an_unreadable_file_is_quarantined_and_the_rest_goes_on(
    publication: PublicationFolder, content: bytes, reason: str
) -> None:
    publication.write("bad.md", content)
    done = publication.pick_up_file("good.md", title="Good")
    assert (done.new, done.quarantined) == (1, 1)
    assert list(publication.all()) == [("good", "en")]
    assert reason in publication.quarantine()["bad.md"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [("nowhere", "No such file or directory"), ("bad.md", "Too many levels of symbolic links")],
)
def test_a_link_to_nothing_or_to_itself_is_quarantined_and_the_rest_goes_on(
    publication: PublicationFolder, target: str, reason: str
) -> None:
    (publication.articles / "bad.md").symlink_to(target)
    assert publication.pick_up_file("good.md", title="Good").new == 1
    assert publication.quarantine() == {"bad.md": f"can't be read: {reason}"}


def test_a_link_out_of_the_source_is_quarantined_and_one_within_is_followed(
    publication: PublicationFolder,
) -> None:
    outside = publication.settings.folders.root / "outside.md"
    outside.write_text("---\ntitle: Secret\n---\nWords.", "utf-8")
    link = publication.articles / "out.md"
    link.symlink_to(outside)
    publication.write("en/ferry.md", title="The ferry")
    (publication.articles / "boat.md").symlink_to("en/ferry.md")
    done = publication.pick_up()
    assert (done.new, done.quarantined) == (2, 1)
    reason = "is a link to a file outside the source's folder; copy the file here"
    assert publication.quarantine() == {"out.md": reason}
    assert {one.title for one in publication.all().values()} == {"The ferry"}
    link.unlink()
    shutil.copyfile(outside, link)
    assert (publication.pick_up().new, publication.quarantine()) == (1, {})


def test_a_source_folder_may_be_a_link(publication: PublicationFolder) -> None:
    publication.write("ferry.md", title="The ferry")
    publication.articles.rename(publication.settings.folders.root / "elsewhere")
    publication.articles.symlink_to(publication.settings.folders.root / "elsewhere")
    assert publication.pick_up().new == 1


def test_an_article_stays_published_while_its_file_is_unreadable(
    publication: PublicationFolder,
) -> None:
    file = publication.write("ferry.md", title="The ferry", date="2026-01-08")
    content = file.read_bytes()
    publication.pick_up()
    before, rows = publication.one("ferry"), publication.everything()
    publication.write("ferry.md", b"---\ntitle: [\n---\n")
    for _ in range(2):
        assert publication.pick_up().quarantined == 1
    assert publication.one("ferry") == before
    # Its old content ends the quarantine without a change.
    file.write_bytes(content)
    assert publication.pick_up().unchanged == 1
    assert publication.everything() == rows
    publication.pick_up_file("ferry.md", b"\xff")
    done = publication.pick_up_file("ferry.md", title="The ferry, mended", date="2026-01-08")
    assert (done.changed, done.quarantined, publication.quarantine()) == (1, 0, {})
    mended = publication.one("ferry")
    assert (mended.id, mended.title) == (before.id, "The ferry, mended")


def test_a_name_that_is_not_utf_8_is_quarantined(publication: PublicationFolder) -> None:
    Path(os.fsdecode(os.fsencode(publication.articles) + b"/\xff.md")).write_text("# T\n\ntext")
    assert publication.pick_up().quarantined == 1
    assert list(publication.quarantine()) == ["\\xff.md"]


def put_a_file_in_its_place(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def link_it_to_itself(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.name)


@pytest.mark.parametrize("spoil", [shutil.rmtree, put_a_file_in_its_place, link_it_to_itself])
def test_a_missing_source_folder_changes_nothing_and_is_reported(
    publication: PublicationFolder, spoil: Callable[[Path], None]
) -> None:
    publication.pick_up_file("ferry.md", title="The ferry")
    before = publication.everything()
    spoil(publication.articles)
    done = publication.pick_up()
    assert len(done.problems) == 1
    assert "articles: can't be read" in done.problems[0]
    assert str(publication.articles) not in done.problems[0]
    assert not done.has_changes
    assert publication.everything() == before


# Sources that come and go


def two_sources(*paths: str) -> list[dict[str, str]]:
    return [{"kind": "folder", "path": path} for path in paths]


def test_articles_of_a_source_that_was_removed_from_the_configuration_are_withdrawn(
    publication: PublicationFolder,
) -> None:
    publication.reload(sources=two_sources("articles", "more"))
    publication.write("ferry.md", title="The ferry")
    publication.pick_up_file("../more/map.md", title="The map")
    assert len(publication.all()) == 2
    publication.reload(sources=two_sources("articles"))
    assert publication.pick_up().removed == 1
    assert list(publication.all()) == [("ferry", "en")]


# Pictures


def test_a_picture_is_copied_where_its_article_points(publication: PublicationFolder) -> None:
    publication.write("en/pictures/boat.png", png(1, 1))
    publication.pick_up_file("en/ferry.md", "![A boat](pictures/boat.png)", title="The ferry")
    (copy,) = (publication.settings.folders.public / "media").rglob("*.png")
    assert copy.read_bytes() == png(1, 1)
    place = copy.relative_to(publication.settings.folders.public).as_posix()
    assert place.split("/")[0::2] == ["media", "boat.png"]
    assert f'src="/{place}"' in publication.one("ferry").html


@pytest.mark.usefixtures("long_after")
def test_only_a_changed_picture_opens_the_articles_that_show_it(
    publication: PublicationFolder, opened: list[str]
) -> None:
    publication.write("boat.png", png(1, 1))
    publication.write("map.md", title="The map")
    publication.pick_up_file("ferry.md", "![A boat](boat.png)", title="The ferry")
    before = publication.one("ferry")
    opened.clear()
    change(publication.articles / "boat.png", png(2, 1))
    for changed in (1, 0):
        done = publication.pick_up()
        assert (done.changed, done.unchanged) == (changed, 2 - changed)
    assert opened == ["ferry.md"]
    assert publication.one("ferry").html != before.html
    # The old picture stays, for mails and pages that show it.
    assert len(list((publication.settings.folders.public / "media").rglob("*.png"))) == 2


def problems(publication: PublicationFolder) -> list[str]:
    """Give the problems that are stored, as kind, line and value; many files here have no date."""
    found = (stored.problem for stored in stored_problems(publication))
    others = (problem for problem in found if problem.kind != ProblemKind.UNDATED)
    return [f"{problem.kind} {problem.line} {problem.what}" for problem in others]


def test_a_missing_picture_is_listed_while_it_is_away_and_costs_no_article(
    publication: PublicationFolder,
) -> None:
    done = publication.pick_up_file("ferry.md", "![A boat](boat.png)", title="The ferry")
    assert (done.new, done.quarantined) == (1, 0)
    assert problems(publication) == ["missing-picture 4 boat.png"]
    assert publication.one("ferry").html == "<p>A boat</p>"
    picture = publication.write("boat.png", png(1, 1))
    assert publication.pick_up().changed == 1
    assert problems(publication) == []
    picture.unlink()
    assert publication.pick_up().quarantined == 0
    assert list(publication.all()) == [("ferry", "en")]
    assert problems(publication) == ["missing-picture 4 boat.png"]


def test_an_article_is_held_back_where_its_source_says_so(
    publication: PublicationFolder,
) -> None:
    file = publication.write("ferry.md", "Words.", title="The ferry")
    publication.pick_up()
    publication.write("ferry.md", "Other words.\n\n![A boat](boat.png)", title="The ferry")
    (source,) = publication.settings.sources
    actions = {ProblemKind.MISSING_PICTURE: ProblemAction.HOLD}
    holding = source.model_copy(update={"problem_actions": actions})
    publication.settings = replace(publication.settings, sources=(holding,))
    assert publication.pick_up().quarantined == 1
    (reason,) = publication.quarantine().values()
    assert reason.startswith("line 6: boat.png: a picture was not found")
    assert publication.one("ferry").text == "Words."  # what was published stays
    file.write_text(file.read_text().replace("title:", "untranslated: true\ntitle:"))
    assert publication.pick_up().quarantined == 0
    assert problems(publication) == []


@pytest.mark.parametrize("age", ["new", "long_after"])
def test_pictures_that_can_t_be_put_in_place_quarantine_their_article_until_they_can(
    publication: PublicationFolder, age: str, request: pytest.FixtureRequest
) -> None:
    if age == "long_after":
        request.getfixturevalue("long_after")
    media = publication.settings.folders.public / "media"
    media.parent.mkdir()
    media.write_bytes(b"a file where a folder should be")
    publication.write("boat.png", png(1, 1))
    publication.write("ferry.md", "![A boat](boat.png)", title="The ferry")
    done = publication.pick_up_file("map.md", title="The map")
    assert (done.new, done.quarantined, done.problems) == (1, 1, [])
    (reason,) = publication.quarantine().values()
    assert reason.startswith(f"its media can't be put in place: {media}")
    assert list(publication.all()) == [("map", "en")]
    media.unlink()
    assert (publication.pick_up().new, publication.quarantine()) == (1, {})
    assert len(list(media.rglob("boat.png"))) == 1


@pytest.mark.parametrize(
    "src",
    ["../secret.png", "link.png", "round.png", f"{'x' * 300}.png", "folder.png", "a%00.png"],
)
def test_a_picture_outside_the_folder_or_none_at_all_is_refused(
    publication: PublicationFolder, src: str
) -> None:
    secret = publication.settings.folders.root / "secret.png"
    secret.write_bytes(png(1, 1))
    (publication.articles / "link.png").symlink_to(secret)
    (publication.articles / "round.png").symlink_to("round.png")
    (publication.articles / "folder.png").mkdir()
    publication.write("ferry.md", f"![A boat]({src})", title="The ferry")
    publication.pick_up_file("good.md", title="Good")
    assert [one.partition(" ")[0] for one in problems(publication)] == ["missing-picture"]
    assert "<img" not in publication.one("ferry").html
    assert not (publication.settings.folders.public / "media").exists()


# Being killed


PORTION = 12


class Killed(BaseException):
    """What a kill looks like from inside."""


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_pickup, "ITEMS_PER_TRANSACTION", PORTION)


def fill(publication: PublicationFolder, count: int) -> None:
    for number in range(count):
        language = ("en", "zh-Hans", "ar")[number % 3]
        day = f"2026-01-{1 + number % 9:02}"
        publication.write(f"{language}/s{number // 3}.md", title=f"N {number}", date=day)


@pytest.mark.usefixtures("small_portions")
@pytest.mark.parametrize("portions", [1, 2])
def test_a_killed_pick_up_and_a_second_one_equal_an_uninterrupted_one(
    new_publication: Make, portions: int
) -> None:
    convert = [{"edition": {"zh-Hant": {"missing": "convert"}}}]
    calm, stormy = new_publication(newsletters=convert), new_publication(newsletters=convert)
    for publication in (calm, stormy):
        fill(publication, 2 * PORTION + 6)
        publication.write("bad.md", b"\xff")
        publication.write("draft.md", title="D", draft="true")

    def kill(done: int, of: int) -> None:
        assert of == 2 * PORTION + 8
        if done == portions * PORTION:
            raise Killed

    with pytest.raises(Killed):
        stormy.pick_up(kill)
    assert len(stormy.rows(source_item)) == portions * PORTION
    calm.pick_up()
    stormy.pick_up()
    assert stormy.everything() == calm.everything()
    assert calm.pick_up().quarantined == 1


@pytest.mark.usefixtures("small_portions")
def test_a_kill_between_renames_and_removals_does_not_change_the_result(
    new_publication: Make,
) -> None:
    calm, stormy = new_publication(), new_publication()
    for publication in (calm, stormy):
        fill(publication, 2 * PORTION)
        publication.pick_up()
        folder = publication.articles / "en"
        for number in range(7):
            (folder / f"s{number}.md").rename(folder / f"t{number}.md")
        (folder / "s7.md").unlink()
        publication.at(NOW + timedelta(hours=1))

    def kill(done: int, of: int) -> None:
        if done == of:
            raise Killed

    with pytest.raises(Killed):
        stormy.pick_up(kill)
    assert calm.pick_up().moved == 7
    stormy.pick_up()
    assert stormy.everything() == calm.everything()


@pytest.mark.usefixtures("small_portions")
def test_a_pick_up_may_be_stopped_before_each_document_and_after_each_transaction(
    publication: PublicationFolder,
) -> None:
    fill(publication, PORTION + 1)
    told: list[tuple[int, int]] = []
    publication.pick_up(lambda done, of: told.append((done, of)))
    done = (*range(PORTION), PORTION, PORTION, PORTION + 1)
    assert told == [(number, PORTION + 1) for number in done]


# Real articles


@only_at_night
def test_all_of_a_real_archive_is_linked_by_story(new_publication: Make, corpus: Path) -> None:
    languages = ["en", "cs", "de", "fr", "ja", "zh-Hans"]
    publication = new_publication(languages=languages)
    shutil.copytree(corpus / "optech", publication.articles, dirs_exist_ok=True)
    done = publication.pick_up()
    assert (done.new, done.quarantined) == (155, 0)
    found = publication.all()
    stories = {key for key, _language in found}
    assert len(stories) == 26
    in_english = {key for key, language in found if language == "en"}
    assert stories == in_english
    complete = [key for key in stories if all((key, tag) in found for tag in languages)]
    assert len(complete) == 25
    assert len({one.slug for one in found.values()}) == 26
