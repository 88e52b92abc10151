"""Drafts become files by the rules of each site, and join their stories; nothing is lost or written over."""

import base64
import errno
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from publisher.accounts.model import Actor, Grant, Role
from publisher.app import drafts
from publisher.app.editing_state import EditingState
from publisher.app.translations import read_translation
from publisher.articles.model import Origin, Provenance
from publisher.config.sources import FolderSourceSettings
from publisher.drafts import store
from publisher.drafts.store import Draft
from publisher.errors import (
    ArticleError,
    DraftConflictError,
    DraftError,
    ForbiddenError,
    StorageError,
    TranslationError,
    UsageError,
)
from publisher.testing import make_publication
from publisher.translations.model import CellState
from tests.publisher.app.approving import TERMINAL
from tests.publisher.conftest import PublicationFolder, editing_state

LANGUAGES = ["en", "fr", "zh-Hant"]
SOURCE = {"kind": "folder", "path": "articles", "editable": True}
PNG = b"\x89PNG a picture"
Make = Callable[..., PublicationFolder]


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(languages=LANGUAGES, sources=[SOURCE])


def somebody(role: Role, language: str | None = None) -> Actor:
    return Actor(name=f"{role}@example.org", via="console", grants=(Grant(role, language),))


def published(state: EditingState, actor: Actor, draft: Draft, **given: str) -> Path:
    """Store fields of a draft, publish it as somebody who has seen all that is there, and return the file."""
    draft = drafts.save_draft(state, actor, draft.id, draft.version, given)
    found = drafts.read_draft(state, actor, draft.id)
    seen = found.original.sha256 if found.original else ""
    path = drafts.publish_draft(
        state, actor, draft.id, draft.version, base=found.disk, original=seen
    ).path
    (source,) = state.settings.sources
    assert isinstance(source, FolderSourceSettings)
    return state.settings.folders.root / source.path / path


def raised(error: Exception) -> bytes:
    raise error


def story_of(publication: PublicationFolder, title: str) -> int:
    return next(one.story_id for one in publication.all().values() if one.title == title)


def test_a_new_article_is_a_file_that_the_next_cycle_reads(
    publication: PublicationFolder,
) -> None:
    state = editing_state(publication)
    draft = drafts.begin_article(state, TERMINAL, "articles", "en", "The tide: in")
    file = published(
        state,
        TERMINAL,
        draft,
        text="It *comes*.\r\n\r\n<script>alert(1)</script>\r\nEnd",
        byline="Ann Lee (Tide Office)\nBo",
        topics="sea, 海、moon",
        summary="  Of\ntides ",
    )
    assert file.name == "the-tide-in.md"
    assert file.read_text("utf-8") == (
        "---\ntitle: 'The tide: in'\nsummary: Of tides\nauthors:\n- name: Ann Lee\n  affiliation: Tide Office\n- Bo\n"
        "date: 2026-01-09\ntopics:\n- sea\n- 海\n- moon\n---\n\nIt *comes*.\n\n<script>alert(1)</script>\nEnd\n"
    )
    publication.pick_up()
    found = publication.one("the-tide-in")
    assert (found.title, found.topics) == ("The tide: in", ("sea", "海", "moon"))
    assert [one.affiliation for one in found.bylines] == ["Tide Office", None]
    assert "script" not in found.html
    # The draft has ended. Another one of this title gets another name.
    assert drafts.list_drafts(state, TERMINAL) == []
    again = drafts.begin_article(state, TERMINAL, "articles", "en", "The tide: in")
    assert published(state, TERMINAL, again, text="x").name == "the-tide-in-2.md"


SITES = {
    "plain folders": ({"en/a.md": "lang"}, "en/a.md", "fr/a.md", "fr/new.md", "zh-Hant/a.md"),
    "plain suffixes": (
        {"a.md": "", "b.fr.md": "b"},
        "a.md",
        "a.fr.md",
        "new.fr.md",
        "zh-Hant/a.md",
    ),
    "hugo folders": (
        {
            "hugo.toml": '[languages.en]\ncontentDir = "content/en"\n[languages.fr]\ncontentDir = "content/fr"\n'
            '[languages.zh-tw]\ncontentDir = "content/zh"\n',
            "content/en/posts/a.md": "",
        },
        "content/en/posts/a.md",
        "content/fr/posts/a.md",
        "content/fr/posts/new.md",
        "content/zh/posts/a.md",
    ),
    "hugo bundles": (
        {
            "hugo.toml": "[languages.en]\n[languages.fr]\n[languages.zh-hant]\n",
            "content/posts/2026-01-05-a/index.md": "",
        },
        "content/posts/2026-01-05-a/index.md",
        "content/posts/2026-01-05-a/index.fr.md",
        "content/posts/2026-01-09-new/index.fr.md",
        "content/posts/2026-01-05-a/index.zh-hant.md",
    ),
    "docusaurus": (
        {
            "docusaurus.config.js": "export default {i18n: {defaultLocale: 'en', locales: ['en', 'fr', 'zh-Hant']}}",
            "blog/2026-01-05-a.md": "",
        },
        "blog/2026-01-05-a.md",
        "i18n/fr/docusaurus-plugin-content-blog/2026-01-05-a.md",
        "i18n/fr/docusaurus-plugin-content-blog/2026-01-09-new.md",
        "i18n/zh-Hant/docusaurus-plugin-content-blog/2026-01-05-a.md",
    ),
    "jekyll": (
        {"_config.yml": "title: X\n", "_posts/2026-01-05-a.md": ""},
        "_posts/2026-01-05-a.md",
        "fr/_posts/2026-01-05-a.md",
        "fr/_posts/2026-01-09-new.md",
        "zh-Hant/_posts/2026-01-05-a.md",
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_files_stand_where_the_site_has_them_and_translations_join_their_story(
    publication: PublicationFolder, name: str
) -> None:
    files, original, french, new, chinese = SITES[name]
    for path, kind in files.items():
        if path.endswith(".md"):
            publication.write(
                path, f"A text {kind}.", title=f"Title of {path}", date="2026-01-05"
            )
        else:
            publication.write(path, kind.encode())
    publication.pick_up()
    state = editing_state(publication)
    number = story_of(publication, f"Title of {original}")
    translator = somebody(Role.TRANSLATOR, "fr")
    draft = drafts.begin_translation(state, translator, number, "fr")
    found = drafts.read_draft(state, translator, draft.id).original
    assert found is not None
    assert found.paragraphs[0].startswith("A text")
    given = {"title": "Titre", "text": "Un texte.", "translator": "Ann"}
    assert published(state, translator, draft, **given) == publication.articles / french
    chief = somebody(Role.EDITOR)
    begun = drafts.begin_translation(state, chief, number, "zh-Hant")
    given |= {"title": "標題", "text": "一段文字。"}
    assert published(state, chief, begun, **given) == publication.articles / chinese
    publication.pick_up()
    begun = drafts.begin_article(state, chief, "articles", "fr", "New")
    assert published(state, chief, begun, text="Du neuf.") == publication.articles / new
    publication.pick_up()
    articles = {(one.language, one.title): one for one in publication.all().values()}
    assert articles["fr", "Titre"].story_id == articles["zh-Hant", "標題"].story_id == number
    assert articles["fr", "Titre"].origin is Origin.TRANSLATION
    assert articles["fr", "New"].origin is Origin.ORIGINAL
    cell = read_translation(state, chief, number, "fr").cell
    # The claim has ended with its coming.
    assert (cell.state, cell.claim, cell.by) == (CellState.TRANSLATION, None, ("Ann",))


def test_an_edit_keeps_what_else_the_file_has(publication: PublicationFolder) -> None:
    before = b"---\r\nTitle: Old # old\r\ntags: [a, b]\r\n# kept\r\nweight: 3 # too\r\nimage: {src: a.png}\r\ndate: 2026-01-05\r\n---\r\nText\r\n"
    file = publication.write("en/a.md", before)
    file.chmod(0o664)
    publication.pick_up()
    state = editing_state(publication)
    draft = drafts.begin_edit(state, TERMINAL, publication.one("a").id)
    # Whoever else begins to edit it gets the same draft.
    assert drafts.begin_edit(state, TERMINAL, publication.one("a").id).id == draft.id
    assert (
        published(state, TERMINAL, draft, title="New: one", topics="a, c", section="sea")
        == file
    )
    assert file.read_bytes() == (
        b"---\r\nTitle: 'New: one'\r\ntags:\r\n- a\r\n- c\r\n# kept\r\nweight: 3 # too\r\n"
        b"image: {src: a.png}\r\ndate: 2026-01-05\r\nsection: sea\r\n---\r\nText\r\n"
    )
    assert file.stat().st_mode & 0o777 == 0o664


@pytest.mark.parametrize(
    ("head", "after"),
    [
        (
            "+++\ntitle = 'a' # c\n[params]\nx = 1\n+++\n",
            '+++\ntitle = "b" # c\n[params]\nx = 1\n+++\n',
        ),
        ("", "---\ntitle: b\n---\n"),
        ('{"title": "a"}\n', ""),
        ("---\n{title: a}\n---\n", ""),
        ("---\ntitle: &x a\nother: *x\n---\n", ""),
    ],
)
def test_front_matter_is_changed_without_loss_or_not_at_all(
    publication: PublicationFolder, head: str, after: str
) -> None:
    file = publication.write("en/a.md", f"{head}# Title\n\nText.\n".encode())
    publication.pick_up()
    state = editing_state(publication)
    draft = drafts.begin_edit(state, TERMINAL, publication.one("a").id)
    if after:
        published(state, TERMINAL, draft, title="b")
        assert file.read_text("utf-8") == f"{after}# Title\n\nText.\n"
    else:
        with pytest.raises(ArticleError, match=r"without loss|undefined alias"):
            published(state, TERMINAL, draft, title="b")
        assert drafts.list_drafts(state, TERMINAL)[0].title == "b"


def test_nothing_is_written_over_that_changed_meanwhile(publication: PublicationFolder) -> None:
    file = publication.write("en/a.md", "Text.", title="A", date="2026-01-05")
    publication.pick_up()
    state = editing_state(publication)
    draft = drafts.begin_edit(state, TERMINAL, publication.one("a").id)
    seen = drafts.read_draft(state, TERMINAL, draft.id)
    mine = drafts.save_draft(state, TERMINAL, draft.id, draft.version, {"text": "Mine."})
    # Another editor has the page of before; the same words once more are no conflict.
    with pytest.raises(DraftConflictError) as raised:
        drafts.save_draft(state, TERMINAL, draft.id, draft.version, {"text": "Theirs."})
    assert raised.value.kind == "draft"
    assert drafts.save_draft(state, TERMINAL, draft.id, 0, {"text": "Mine."}) == mine
    file.write_text("---\ntitle: Other\n---\nOther.\n", "utf-8")
    with pytest.raises(DraftConflictError) as raised:
        drafts.publish_draft(
            state, TERMINAL, draft.id, mine.version, base=seen.disk, original=""
        )
    assert (raised.value.kind, file.read_text("utf-8")[-7:]) == ("file", "Other.\n")
    # Who has seen it replaces what was changed here, and keeps the rest.
    now = drafts.read_draft(state, TERMINAL, draft.id)
    assert now.on_disk is not None
    assert now.on_disk["text"] == "Other."
    drafts.publish_draft(state, TERMINAL, draft.id, mine.version, base=now.disk, original="")
    assert file.read_text("utf-8") == "---\ntitle: Other\n---\nMine.\n"


def test_an_original_that_changed_is_read_before_its_translation_counts(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("en/a.md", "The sea is calm.", title="A", date="2026-01-05")
    state, translator = editing_state(publication), somebody(Role.TRANSLATOR, "fr")
    number = publication.one("a").story_id
    draft = drafts.begin_translation(state, translator, number, "fr")
    original = drafts.read_draft(state, translator, draft.id).original
    assert original is not None
    seen = original.sha256
    draft = drafts.save_draft(state, translator, draft.id, 0, {"title": "A", "text": "La mer."})
    publication.write("en/a.md", "The sea is rough.", title="A", date="2026-01-05")
    with pytest.raises(DraftConflictError) as raised:
        drafts.publish_draft(state, translator, draft.id, draft.version, base="", original=seen)
    assert raised.value.kind == "original"
    published(state, translator, draft)
    publication.pick_up()
    publication.at(publication.clock.now() + timedelta(hours=1))
    state = editing_state(publication)
    publication.pick_up_file("en/a.md", "The sea is very rough.", title="A", date="2026-01-05")
    # An outdated one is edited beside the marked words of its original.
    draft = drafts.begin_translation(state, translator, number, "fr")
    details = drafts.read_draft(state, translator, draft.id).story
    assert details is not None
    marked = details.marked
    assert [(one.kind, one.text) for one in marked[-1]] == [
        ("same", "The sea is "),
        ("added", "very "),
        ("same", "rough."),
    ]
    assert draft.path == "fr/a.md"
    with pytest.raises(TranslationError, match=r"in work by translator@example\.org"):
        drafts.begin_translation(state, somebody(Role.EDITOR), number, "fr")


def test_a_full_disk_and_a_kill_lose_nothing(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = editing_state(publication)
    draft = drafts.begin_article(state, TERMINAL, "articles", "en", "A")
    convert = lambda content: ("png", base64.b64encode(content).decode())  # noqa: E731

    def added() -> Draft:
        add = partial(drafts.add_draft_picture, state, TERMINAL, draft.id, "My pic.jpg")
        return add(alt="A [boat]\\", content=PNG, convert=convert)

    draft = added()
    assert added() == draft
    name = draft.fields["text"].partition("](")[2][:-1]
    assert draft.fields["text"] == f"![A (boat)\\\\]({name})"

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="is full"):
            drafts.publish_draft(state, TERMINAL, draft.id, draft.version, base="", original="")
    assert [*publication.articles.iterdir()] == []
    # Killed between the rename and the commit: the file is there, and the draft as well, also after a cycle.
    with monkeypatch.context() as patched:
        patched.setattr(store, "delete_draft", full)
        with pytest.raises(OSError, match="No space"):
            drafts.publish_draft(state, TERMINAL, draft.id, draft.version, base="", original="")
    written = {one.name: one.read_bytes() for one in publication.articles.iterdir()}
    assert {*written} == {name, "a.md"}
    publication.pick_up()
    again = (state, TERMINAL, draft.id, draft.version)
    assert drafts.publish_draft(*again, base="", original="").path.name == "a.md"
    assert {one.name: one.read_bytes() for one in publication.articles.iterdir()} == written
    assert drafts.list_drafts(state, TERMINAL) == []


@pytest.mark.parametrize("is_translation", [True, False])
def test_a_draft_that_is_changed_after_a_kill_goes_into_the_file_that_is_there(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, *, is_translation: bool
) -> None:
    publication.pick_up_file("en/a.md", "The sea.", title="A", date="2026-01-05")
    state, story = editing_state(publication), publication.one("a").story_id
    draft = drafts.begin_article(state, TERMINAL, "articles", "fr", "La mer")
    if is_translation:
        draft = drafts.begin_translation(state, TERMINAL, story, "fr")

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "delete_draft", killed)
        with pytest.raises(KeyboardInterrupt):
            published(state, TERMINAL, draft, title="La mer", text="Bleue.", section="Mer")
    before = {*publication.articles.rglob("*.md")}
    draft = drafts.read_draft(state, TERMINAL, draft.id).draft
    file = published(state, TERMINAL, draft, title="Le vent", text="Fort.", section="")
    assert {*publication.articles.rglob("*.md")} == before
    assert before - {publication.articles / "en/a.md"} == {file}
    publication.pick_up()
    (found,) = (one for one in publication.all().values() if one.language == "fr")
    assert (found.title, found.story_id == story) == ("Le vent", is_translation)
    assert "section" not in file.read_text("utf-8")


def test_a_name_that_another_draft_took_meanwhile_is_not_written_over(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = editing_state(publication)
    first, second = (
        drafts.begin_article(state, TERMINAL, "articles", "en", "News") for _ in range(2)
    )
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda _file: raised(OSError(errno.ENOSPC, "full")))
        with pytest.raises(StorageError):
            published(state, TERMINAL, first, text="Of the first.")
    file = published(state, TERMINAL, second, text="Of the second.")
    first = drafts.read_draft(state, TERMINAL, first.id).draft
    assert "Of the first." in published(state, TERMINAL, first).read_text("utf-8")
    assert "Of the second." in file.read_text("utf-8")


@pytest.mark.parametrize("spoil", ["not UTF-8", "front matter", "link", "no permission"])
def test_a_file_that_cannot_be_read_holds_up_its_own_drafts_alone_and_hides_no_words(
    publication: PublicationFolder, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publication.write("en/a.md", "Text.", title="A", date="2026-01-05")
    publication.pick_up()
    state, number = editing_state(publication), publication.one("a").id
    begun = drafts.begin_edit(state, TERMINAL, number)
    drafts.save_draft(state, TERMINAL, begun.id, begun.version, {"text": "Typed."})
    beside = drafts.begin_translation(state, TERMINAL, publication.one("a").story_id, "fr")
    other = drafts.begin_article(state, TERMINAL, "articles", "en", "Other")
    if spoil == "link":
        file.rename(publication.articles / "a.txt")
        file.symlink_to(publication.articles / "a.txt")
    elif spoil == "no permission":
        # Tests may run as root, who is refused nothing.
        read = Path.read_bytes
        refused = PermissionError(errno.EACCES, "Permission denied")
        monkeypatch.setattr(
            Path, "read_bytes", lambda path: raised(refused) if path == file else read(path)
        )
    else:
        file.write_bytes(
            {"not UTF-8": b"\xff\xe9", "front matter": b"---\ntitle: [\n---\n"}[spoil]
        )
    for draft in (begun, beside):
        found = drafts.read_draft(state, TERMINAL, draft.id)
        assert (found.problem != "", found.original) == (True, None)
    assert drafts.read_draft(state, TERMINAL, begun.id).draft.fields["text"] == "Typed."
    assert published(state, TERMINAL, other, text="x").name == "other.md"


def test_a_draft_whose_original_or_source_is_gone_is_shown_and_can_be_discarded(
    publication: PublicationFolder,
) -> None:
    file = publication.write("en/a.md", "Text.", title="A", date="2026-01-05")
    publication.pick_up()
    state, story = editing_state(publication), publication.one("a").story_id
    draft = drafts.begin_translation(state, TERMINAL, story, "fr")
    file.unlink()
    publication.pick_up()
    assert "can't be written" in drafts.read_draft(state, TERMINAL, draft.id).problem
    original = drafts.begin_article(state, TERMINAL, "articles", "en", "B")
    publication.reload(languages=LANGUAGES, sources=[SOURCE | {"editable": False}])
    state = editing_state(publication)
    assert drafts.read_draft(state, TERMINAL, original.id).problem == ""
    for one in (draft, original):
        drafts.discard_draft(state, TERMINAL, one.id)


def test_a_machine_draft_is_published_only_once_somebody_has_read_it(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("en/a.md", "Text.", title="A", date="2026-01-05")
    state, number = editing_state(publication), publication.one("a").story_id
    draft = by_machine(state, drafts.begin_translation(state, TERMINAL, number, "fr"))
    with pytest.raises(DraftError, match="nobody has read it yet"):
        published(state, TERMINAL, draft)
    # Whoever has not seen the latest words has not read them.
    with pytest.raises(DraftConflictError):
        drafts.save_draft(state, TERMINAL, draft.id, draft.version - 1, {}, is_read=True)
    read = drafts.save_draft(state, TERMINAL, draft.id, draft.version, {}, is_read=True)
    assert (read.is_unread, read.read_by) == (False, "terminal")
    # Written once more, it is to be read once more; a change counts.
    draft = by_machine(state, read)
    assert draft.is_unread
    head = published(state, TERMINAL, draft, text="Un autre texte.").read_text("utf-8")
    assert "provenance: machine\ntranslated_with: Babel\neditor: terminal\n" in head
    publication.pick_up()
    found = publication.one("a", "fr")
    assert (found.provenance, found.editor) == (Provenance.MACHINE, "terminal")


def by_machine(state: EditingState, draft: Draft) -> Draft:
    fields = {**draft.fields, "title": "Titre", "text": "Texte."}
    more = {"machine": "Babel", "read_by": ""}
    now = state.clock.now()
    with state.database.writing() as connection:
        return store.change_draft(connection, draft, draft.version, now, fields, **more)


def test_only_those_write_who_may(publication: PublicationFolder, tmp_path: Path) -> None:
    publication.pick_up_file("en/a.md", "Text.", title="A", date="2026-01-05")
    state, number = editing_state(publication), publication.one("a").id
    for actor in (
        somebody(Role.TRANSLATOR),
        somebody(Role.EDITOR, "fr"),
        somebody(Role.VIEWER),
    ):
        with pytest.raises(ForbiddenError):
            drafts.begin_article(state, actor, "articles", "en", "T")
        with pytest.raises(ForbiddenError):
            drafts.begin_edit(state, actor, number)
    draft = drafts.begin_edit(state, TERMINAL, number)
    with pytest.raises(ForbiddenError):
        drafts.read_draft(state, somebody(Role.TRANSLATOR), draft.id)
    assert drafts.list_drafts(state, somebody(Role.TRANSLATOR)) == []
    for wrong in ({"text": "x" * 300_001}, {"title": "x" * 2_001}):
        with pytest.raises(DraftError, match="is longer than"):
            drafts.save_draft(state, TERMINAL, draft.id, draft.version, wrong)
    with pytest.raises(DraftError, match="write a title"):
        drafts.begin_article(state, TERMINAL, "articles", "en", " ")
    for language in ("xx", "../../e", ""):
        with pytest.raises(TranslationError, match="the publication does not have it"):
            drafts.begin_article(state, TERMINAL, "articles", language, "T")
    with pytest.raises(DraftError, match="title: is longer"):
        drafts.begin_article(state, TERMINAL, "articles", "en", "x" * 2_001)
    with pytest.raises(DraftError, match="set editable = true"):
        drafts.begin_article(state, TERMINAL, "other", "en", "T")
    # A folder that is a link is none of the source's.
    (publication.articles / "en").rename(tmp_path / "en")
    (publication.articles / "en").symlink_to(tmp_path / "en")
    assert "is a link" in drafts.read_draft(state, TERMINAL, draft.id).problem


def test_a_site_whose_names_are_not_known_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = make_publication(tmp_path, sources=[SOURCE])
    drafts.require_written_sites(settings)
    (tmp_path / "articles/.eleventy.js").write_text("", "utf-8")
    with pytest.raises(UsageError, match="is a site of eleventy"):
        drafts.require_written_sites(settings)
