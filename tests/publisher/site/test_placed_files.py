"""Files of a site that articles link to: copied, at their old addresses too, and gone with the article."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.ingest.media import kinds
from publisher.ingest.problems import list_problems
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import changes, pipeline_of, public, shown

POST = "---\ntitle: {}\ndate: 2026-01-0{}\n---\n{}\n"
PLAN = b"%PDF-1.4 the plan"
OWN = "https://news.example.org"


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    publication = new_publication(sources=[{"kind": "folder", "path": "articles"}])
    publication.write("hugo.toml", f'baseURL = "{OWN}/"\n'.encode())
    return publication


def post(publication: PublicationFolder, name: str, text: str, day: int = 5) -> Path:
    content = POST.format(name, day, text).encode()
    return publication.write(f"content/posts/{name}.md", content)


def problems(publication: PublicationFolder) -> list[tuple[str, str]]:
    with publication.database.reading() as connection:
        return [(one.problem.kind.value, one.problem.what) for one in list_problems(connection)]


def files(publication: PublicationFolder) -> dict[str, bytes]:
    """Give what is below public/ and no page or icon, by its path; the hash in a name is left out."""
    root = public(publication)
    icons = {"apple-touch-icon.png", "favicon.ico", "icon-192.png", "icon.svg", "robots.txt"}
    kept = {".html", ".css", ".js", ".json", ".conf", "", ".xml", ".txt.gz"}
    found = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root)
        if (
            file.is_file()
            and str(path) not in icons
            and path.suffix not in kept
            and path.parts[0] != ".redirects"
        ):
            name = (
                "/".join(path.parts[:1] + path.parts[2:])
                if path.parts[0] == "media"
                else str(path)
            )
            found[name] = file.read_bytes()
    return found


SITES: dict[str, tuple[dict[str, str], str, dict[str, tuple[str, str | None]]]] = {
    "jekyll": (
        {"_config.yml": f"url: {OWN}\nbaseurl: /notes\npermalink: pretty\n"},
        "_posts/2026-01-05-first.md",
        {
            "/notes/assets/plan.pdf": ("assets/plan.pdf", None),
            "{{ site.baseurl }}/files/data.zip": ("files/data.zip", None),
            "slides.pptx": ("_posts/slides.pptx", None),
        },
    ),
    "hugo": (
        {"hugo.toml": f'baseURL = "{OWN}/"\n'},
        "content/posts/first/index.md",
        {
            "/reports/plan.pdf": ("static/reports/plan.pdf", "reports/plan.pdf"),
            "/certs/root.txt": ("static/certs/root.txt", "certs/root.txt"),
            "slides.pptx": ("content/posts/first/slides.pptx", "posts/first/slides.pptx"),
            f"{OWN}/audio/%E6%BD%AE.mp3": ("static/audio/潮.mp3", "audio/潮.mp3"),
        },
    ),
    "docusaurus": (
        {"docusaurus.config.js": f'module.exports = {{url: "{OWN}", baseUrl: "/"}}'},
        "blog/2026-01-05-first/index.md",
        {
            "/files/plan.pdf": ("static/files/plan.pdf", "files/plan.pdf"),
            "./data.csv": ("blog/2026-01-05-first/data.csv", "blog/2026/01/05/data.csv"),
            "@site/static/x.zip": ("static/x.zip", None),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SITES)
def test_linked_files_of_a_site_are_copied_and_their_old_addresses_answer(
    new_publication: Make, name: str
) -> None:
    config, document, linked = SITES[name]
    publication = new_publication(sources=[{"kind": "folder", "path": "articles"}])
    for path, text in config.items():
        publication.write(path, text.encode())
    content = b"ID3"
    for file, _place in linked.values():
        publication.write(file, PLAN if file.endswith(".pdf") else content)
    publication.write(
        document, POST.format("First", 5, " ".join(f"[x]({one})" for one in linked)).encode()
    )
    assert shown(publication).problems == []
    (article,) = publication.all().values()
    assert article.html.count('<a href="/media/') == len(linked)
    assert problems(publication) == []
    at_old = {place for _file, place in linked.values() if place}
    there = {path for path in files(publication) if not path.startswith("media/")}
    assert at_old <= there
    assert len(files(publication)) == len(there) + len(linked)
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    assert found == set()


def test_a_file_leaves_with_the_last_article_that_links_to_it(
    publication: PublicationFolder,
) -> None:
    publication.write("static/plan.pdf", PLAN)
    first = post(publication, "first", "[plan](/plan.pdf)")
    second = post(publication, "second", "[plan](/plan.pdf)", 6)
    shown(publication)
    assert set(files(publication)) == {"plan.pdf", "media/plan.pdf"}
    first.unlink()
    shown(publication)
    assert set(files(publication)) == {"plan.pdf", "media/plan.pdf"}
    post(publication, "second", "No link.", 6)
    shown(publication)
    assert files(publication) == {}
    post(publication, "second", "[plan](/plan.pdf)", 6)
    shown(publication)
    second.write_bytes(second.read_bytes().replace(b"title", b"draft: true\ntitle"))
    shown(publication)
    assert files(publication) == {}


def test_a_file_of_an_article_that_is_still_to_come_is_not_at_its_old_address(
    publication: PublicationFolder,
) -> None:
    publication.write("static/plan.pdf", PLAN)
    publication.write("hugo.toml", f'baseURL = "{OWN}/"\nbuildFuture = true\n'.encode())
    post(publication, "first", "[plan](/plan.pdf)")
    publication.write(
        "content/posts/first.md",
        POST.format("First", 5, "[plan](/plan.pdf)").replace("-05", "-12").encode(),
    )
    shown(publication)
    assert "plan.pdf" not in files(publication)
    shown(publication.at(NOW + timedelta(days=4)))
    assert "plan.pdf" in files(publication)


def test_a_file_that_comes_or_changes_later_is_copied_then(
    publication: PublicationFolder,
) -> None:
    post(publication, "first", "[plan](/plan.zip)")
    shown(publication)
    assert problems(publication) == [("dead-link", "/plan.zip")]
    publication.write("static/plan.zip", b"one")
    shown(publication)
    assert problems(publication) == []
    assert files(publication) == {"plan.zip": b"one", "media/plan.zip": b"one"}
    publication.write("static/plan.zip", b"two")
    shown(publication)
    assert files(publication) == {"plan.zip": b"two", "media/plan.zip": b"two"}
    (publication.articles / "static/plan.zip").unlink()
    shown(publication)
    assert files(publication) == {}
    assert problems(publication) == [("dead-link", "/plan.zip")]


def test_what_may_not_be_copied_is_left_out_with_a_reason(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kinds, "MAX_LINKED_BYTES", 1_000_000)
    (tmp_path / "secret.pdf").write_bytes(PLAN)
    hidden = "its name, or that of a folder, says that it is hidden"
    kind = "files of this kind are not copied"
    reasons = {
        "/.env.zip": hidden,
        "/_private/plan.pdf": hidden,
        "/plan.pdf~": hidden,
        "/app.js": kind,
        "/drawing.svg": kind,
        "/config.yaml": kind,
        "/hugo.toml": kind,
        "/large.zip": "it has more than 1 MB",
        "/fake.pdf": "there is no PDF in it",
    }
    for path in reasons:
        content = b"x" * (1_000_001 if "large" in path else 3)
        publication.write("hugo.toml" if path == "/hugo.toml" else f"static{path}", content)
    publication.write("hugo.toml", f'baseURL = "{OWN}/"\n'.encode())
    (publication.articles / "static/out.pdf").symlink_to(tmp_path / "secret.pdf")
    outside = ["/out.pdf", "../../../../secret.pdf", "/../secret.pdf"]
    post(publication, "first", " ".join(f"[x]({one})" for one in [*reasons, *outside]))
    shown(publication)
    assert files(publication) == {}
    expected = [("uncopied-file", f"{path}: {reason}") for path, reason in reasons.items()]
    # The last two are the same address.
    expected += [("dead-link", one) for one in outside[:2]]
    assert sorted(problems(publication)) == sorted(expected)


def test_a_document_and_a_template_are_never_copied_as_files(
    publication: PublicationFolder,
) -> None:
    publication.write("content/notes.txt", b"Secret.")
    publication.write("layouts/page.html", b"<p>Secret</p>")
    publication.write("static/page.html", b"<p>Page</p>")
    post(publication, "first", "[x](../notes.txt) [x](/layouts/page.html) [x](/page.html)")
    shown(publication)
    root = public(publication)
    assert not any(b"Secret" in one.read_bytes() for one in root.rglob("*") if one.is_file())
    assert not (root / "page.html").exists()
    assert ("unpublished-page", "/page.html") in problems(publication)


def test_nothing_that_stands_there_is_overwritten_or_removed(
    publication: PublicationFolder,
) -> None:
    root = public(publication)
    root.mkdir(parents=True, exist_ok=True)
    (root / "plan.pdf").write_bytes(b"ours")
    publication.write("static/plan.pdf", PLAN)
    publication.write("static/media/notes.pdf", PLAN)
    file = post(publication, "first", "[x](/plan.pdf) [x](/media/notes.pdf)")
    assert shown(publication).problems == [
        "/plan.pdf: another file stands there; the old address is lost"
    ]
    assert problems(publication) == [
        ("lost-address", "/media/notes.pdf: a page of this publication stands there")
    ]
    file.unlink()
    shown(publication)
    assert (root / "plan.pdf").read_bytes() == b"ours"


def test_a_copy_that_was_replaced_by_another_file_is_kept(
    publication: PublicationFolder,
) -> None:
    publication.write("static/plan.pdf", PLAN)
    file = post(publication, "first", "[x](/plan.pdf)")
    shown(publication)
    copy = public(publication) / "plan.pdf"
    copy.unlink()
    copy.write_bytes(b"ours")
    file.unlink()
    assert shown(publication).problems == []
    assert copy.read_bytes() == b"ours"


def test_a_source_may_give_the_addresses_of_its_files_up(
    publication: PublicationFolder,
) -> None:
    publication.write("static/plan.pdf", PLAN)
    post(publication, "first", "[x](/plan.pdf)")
    shown(publication)
    publication.reload(sources=[{"kind": "folder", "path": "articles", "addresses": "new"}])
    shown(publication)
    assert set(files(publication)) == {"media/plan.pdf"}
    name = hashlib.sha256(PLAN).hexdigest()[:16]
    assert f'href="/media/{name}/plan.pdf"' in publication.one("posts/first").html


def test_a_web_root_that_is_gone_is_filled_again(publication: PublicationFolder) -> None:
    publication.write("static/plan.pdf", PLAN)
    post(publication, "first", "[x](/plan.pdf)")
    pipeline_of(publication).prepare()
    root = public(publication)
    before = files(publication)
    assert "plan.pdf" in before
    root.rename(root.with_name("away"))
    pipeline_of(publication).prepare()
    assert files(publication).items() >= {"plan.pdf": PLAN}.items()


def test_attachments_of_a_site_keep_their_addresses(publication: PublicationFolder) -> None:
    publication.write("static/audio/talk.mp3", b"ID3 talk")
    content = POST.format("First", 5, "Words.").replace(
        "title", "audio: /audio/talk.mp3\ntitle"
    )
    publication.write("content/posts/first.md", content.encode())
    shown(publication)
    assert set(files(publication)) == {"audio/talk.mp3", "media/talk.mp3"}


def test_files_beside_an_article_of_a_plain_folder_have_no_old_address(
    new_publication: Make,
) -> None:
    publication = new_publication()
    publication.write("en/plan.zip", b"plan")
    publication.write("en/first.md", "[x](plan.zip)", title="First", date="2026-01-05")
    shown(publication)
    assert set(files(publication)) == {"media/plan.zip"}
