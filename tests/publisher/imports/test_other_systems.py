"""Exports of other systems than WordPress become files; what is hostile in a zip file does nothing."""

import csv
import json
import stat
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from publisher.app import source_polls
from publisher.articles.model import Mailing
from publisher.errors import UsageError
from publisher.imports.model import ExportWishes
from tests.publisher.imports.exports import (
    ENGLISH,
    FRENCH,
    LINKED,
    SITE,
    Bring,
    item,
    reasons,
    wxr,
)
from tests.publisher.ingest.helpers import drawn
from tests.publisher.polling.news_server import news_server

OLD = ExportWishes(pictures="link", site=SITE)
# Tables that all exports made here have.
TABLES = """{"users": [{"id": "1", "name": "Ada Lark", "email": "ada@example.org"}], "members": [{"email": "member@example.org"}],
"settings": [{"key": "locale", "value": "en"}], "tags": [{"id": "1", "slug": "sea", "name": "Sea", "visibility": "public"},
{"id": "2", "slug": "hash-fr", "name": "#fr", "visibility": "internal"},
{"id": "3", "slug": "hash-story-1", "name": "#story-1", "visibility": "internal"}]}"""


def row(
    title: str, html: str | None = "<p>x</p>", tags: str = "", **more: Any
) -> dict[str, Any]:
    """Give a post with the tags of these ids."""
    slug = title.lower().replace(" ", "-")
    usual = {
        "id": slug,
        "slug": slug,
        "status": "published",
        "visibility": "public",
        "type": "post",
    }
    times = {"published_at": "2026-01-08T09:30:00.000Z"}
    return {"title": title, "html": html, "tags": tags, **usual, **times, **more}


def ghost(*posts: dict[str, Any]) -> bytes:
    links = [{"post_id": one["id"], "tag_id": tag} for one in posts for tag in one["tags"]]
    people = [{"post_id": one["id"], "author_id": "1", "sort_order": 0} for one in posts]
    own = {"posts": posts, "posts_tags": links, "posts_authors": people}
    return json.dumps({"db": [{"meta": {}, "data": json.loads(TABLES) | own}]}).encode()


def zipped(**members: str | bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def zipped_folder(folder: Path) -> bytes:
    """Give the files of a folder as macOS compresses them, with a file of its own for each."""
    files = {str(one.relative_to(folder)): one for one in folder.rglob("*") if one.is_file()}
    own = {f"__MACOSX/{one.parent}/._{one.name}": "x" for one in map(Path, files)}
    return zipped(**{name: one.read_bytes() for name, one in files.items()}, **own)


def test_posts_of_ghost_in_two_languages_are_one_story_and_an_archive(bring: Bring) -> None:
    text = f'<p>{ENGLISH} <a href="__GHOST_URL__/tide/">Tide</a></p>'
    content = ghost(
        row("Ferry", text, "13"),
        row("Le ferry", f"<p>{FRENCH}</p>", "23"),
        row("Tide", f"<p>{ENGLISH}</p>", published_at=1767864600000),
    )
    with pytest.raises(UsageError, match="--site https"):
        bring(content)
    report = bring(content, OLD)
    assert [one.name for one in report.files] == ["ferry.md", "ferry.fr.md", "tide.md"]
    publication = bring.publication
    publication.pick_up()
    assert {*publication.all()} == {("ferry", "en"), ("ferry", "fr"), ("tide", "en")}
    ferry = publication.one("ferry")
    assert (ferry.topics, ferry.mailing) == (("Sea",), Mailing.ARCHIVE)
    assert [one.name for one in ferry.bylines] == ["Ada Lark"]
    assert "tide" in ferry.html
    assert SITE not in ferry.html
    assert publication.one("tide").published_at == ferry.published_at
    written = "".join(path.read_text("utf-8") for path in publication.articles.glob("*.md"))
    assert "member@example.org" not in written + str(report)
    assert "/ferry/" in written


def test_posts_of_ghost_that_are_not_for_everybody_or_can_t_be_read_are_left_out(
    bring: Bring,
) -> None:
    report = bring(
        ghost(
            row("Paid", visibility="paid"),
            row("Members", visibility="members"),
            row("Draft", status="draft"),
            row("Old", None, mobiledoc='{"sections": [[1'),
            row("About", type="page"),
        )
    )
    assert reasons(report) == {
        "Paid": "is for paid only",
        "Members": "is for members only",
        "Draft": "is a draft",
        "Old": "has no HTML; change and save it in Ghost, and export again",
    }
    assert report.notes == ["1 of the type page left out"]


def test_pictures_of_ghost_come_from_the_zip_file_also_of_a_site_in_a_folder(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = '<img src="__GHOST_URL__/content/images/2020/a%20b.png" alt="A">'
    content = ghost(row("Ferry", f"<figure>{image}<figcaption>By Ben</figcaption></figure>"))
    members = {"x/ghost.json": content, "x/content/images/2020/a b.png": drawn("PNG", 300, 200)}
    with news_server() as server:
        monkeypatch.setattr(source_polls, "CLIENT", server.client)
        report = bring(zipped(**members), ExportWishes(site=f"{SITE}/blog/"))
        assert server.requests == []
    assert report.notes == []
    bring.publication.pick_up()
    html = bring.publication.one("ferry").html
    assert "<figcaption>By Ben</figcaption>" in html
    assert 'src="/media/' in html


POSTS = """post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle,podcast_url
1.ferry,2026-01-08T09:30:00Z,true,,newsletter,everyone,The &#x201C;Ferry&#x201D;,Off,
2.paid,2026-01-08T09:30:00Z,true,,newsletter,only_paid,Paid,,
3.draft,2026-01-08T09:30:00Z,false,,newsletter,everyone,Draft,,
4.talk,2026-01-08T09:30:00Z,true,,podcast,everyone,Talk,,https://e.example/a.mp3
5.thread,2026-01-08T09:30:00Z,true,,thread,everyone,Thread,,
"""


def test_posts_of_substack_are_read_and_paid_ones_left_out(bring: Bring) -> None:
    text = f'<p>{ENGLISH}</p><p class="button-wrapper"><a href="https://e.example/">Sign up</a></p>'
    members = {
        f"posts/{name}.html": text for name in ("1.ferry", "2.paid", "3.draft", "4.talk")
    }
    lists = {"posts.csv": POSTS, "email_list.x.csv": "email\nmember@example.org\n"}
    report = bring(zipped(**lists, **members), OLD)
    assert reasons(report) == {
        "The “Ferry”": "",
        "Paid": "is for those who pay",
        "Draft": "is a draft",
        "Talk": "",
        "Thread": "is a thread (--types thread)",
    }
    assert report.notes == ["1 of the type podcast, with their recordings"]
    # A list of subscribers has the usual limit afterwards.
    assert csv.field_size_limit() == 128 * 1024
    bring.publication.pick_up()
    ferry, talk = bring.publication.one("ferry"), bring.publication.one("talk")
    assert (ferry.title, ferry.summary) == ("The “Ferry”", "Off")
    assert "Sign up" not in ferry.text
    assert [one.src for one in talk.attachments] == ["https://e.example/a.mp3"]


MAILS = [
    {
        "id": "1",
        "subject": "Plain",
        "slug": "plain",
        "publish_date": "2026-01-02 16:55:00+00:00",
    },
    {"id": "2", "subject": "Draft", "slug": "draft", "status": "draft", "publish_date": None},
    {
        "id": "3",
        "subject": "Paid",
        "slug": "paid",
        "publish_date": "2026-01-02",
        "email_type": "premium",
    },
]


def test_mails_of_buttondown_are_read_as_markdown(bring: Bring) -> None:
    text = f"<!-- buttondown-editor-mode: plaintext -->## Head\n\n*{ENGLISH}*\n\n- one\n- two\n"
    report = bring(zipped(**{"emails.json": json.dumps(MAILS), "emails/plain.md": text}), OLD)
    assert reasons(report) == {"Plain": "", "Draft": "is a draft", "Paid": "is premium"}
    bring.publication.pick_up()
    plain = bring.publication.one("plain")
    assert f"<em>{ENGLISH}</em>" in plain.html
    assert plain.html.count("<li>") == 2
    assert f"{plain.published_at:%F %R}" == "2026-01-02 16:55"


CAMPAIGN = f"""<!doctype html><html><head><title>The ferry</title><style>p {{}}</style></head><body>
<span class="mcnPreviewText" style="display: none">About the *|FNAME|*ferry</span><table><tr><td><table id="templatePreheader">
<tr><td>Logo</td></tr></table><table><tr><td class="mcnTextContent"><a href="x">View this email in your browser</a></td></tr></table>
<?xml:namespace prefix = o /><table><tr><td><h1>Hello *|FNAME|*</h1><p>{ENGLISH}</p><p>Do unsubscribe.</p><table><tr><th>Day</th></tr><tr><td>One</td>
</tr></table><img src="{SITE}/ship.png" alt="A ship"></td></tr></table><table><tr><td>Copyright © *|CURRENT_YEAR|*, all rights.
</td></tr><tr><td>Want less? <a href="*|UNSUB|*">unsubscribe from this list</a>.</td></tr></table></td></tr></table></body></html>"""
SENT = 'Title,Subject,Send Date\nweek 2,"The ferry, at last","Jan 08, 2026 09:30 am"\n'


def test_campaigns_of_mailchimp_keep_their_text_and_lose_what_belongs_to_a_mail(
    bring: Bring,
) -> None:
    names = ("11_week-2.html", "12_the-draft.html")
    members = {f"campaigns_content/{name}": CAMPAIGN for name in names}
    members["campaigns_content/12_the-draft.html"] = CAMPAIGN.replace("The ferry", "Draft")
    lists = {"campaigns.csv": SENT, "lists/members_export.csv": "Email\nmember@example.org\n"}
    report = bring(zipped(**members, **lists))
    unsent = "campaigns.csv does not say that it was sent"
    assert reasons(report) == {"The ferry, at last": "", "Draft": unsent}
    bring.publication.pick_up()
    ferry = bring.publication.one("week-2")
    assert (ferry.title, ferry.summary) == ("The ferry, at last", "About the ferry")
    assert f"{ferry.published_at:%F %R}" == "2026-01-08 09:30"
    assert ferry.text.split() == f"Hello {ENGLISH} Do unsubscribe. Day One".split()
    assert ferry.html.count("<table") == ferry.html.count("<img") == 1


def test_the_exports_of_the_corpus_are_read(bring: Bring, corpus: Path) -> None:
    folder = corpus / "sources/migrate"
    if not folder.is_dir():
        pytest.skip("no exports in the corpus beside the project")
    report = bring(zipped_folder(folder / "mg-medium-export"))
    assert reasons(report)["Draft Post Title"] == "is a draft"
    assert reasons(report)["This is a comment"] == "is a reply to a post"
    bring.publication.pick_up()
    advanced = bring.publication.one("advanced-post")
    assert [one.name for one in advanced.bylines] == ["Joe Bloggs"]
    assert (advanced.topics, f"{advanced.published_at:%F}") == (
        ("Things", "Stuff"),
        "2018-08-11",
    )
    assert "This is an image caption" in advanced.html
    assert "<h2" not in advanced.html.partition("image caption")[0]
    mails = zipped_folder(folder / "mg-buttondown")
    assert reasons(bring(mails, OLD)) == {
        "This is a Plain Post": "",
        "This is a Fancy Post": "",
    }
    posts = zipped_folder(folder / "mg-substack")
    assert reasons(bring(posts, OLD))["Talk to Us"] == "is a thread (--types thread)"
    bring.file = folder
    with pytest.raises(UsageError, match="is a folder; compress it"):
        bring(None)


def test_no_member_of_a_zip_file_is_written_by_its_name_and_large_ones_are_refused(
    bring: Bring,
) -> None:
    names = ("../posts/1.ferry.html", "/posts/1.ferry.html", "posts/../../1.ferry.html")
    hostile = {"posts.csv": POSTS, "posts/4.talk.html": f"<p>{ENGLISH}</p>"} | dict.fromkeys(
        names, "x"
    )
    root = bring.publication.settings.folders.root
    before = {path for path in root.parent.rglob("*") if path != bring.file}
    bring(zipped(**hostile), OLD)
    after = {path for path in root.parent.rglob("*") if path != bring.file}
    assert all(path.parent == bring.publication.articles for path in after - before)
    assert {path.name for path in after - before} <= {"talk.md", "ferry.md"}

    linked = BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        member = zipfile.ZipInfo("posts.csv")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    refused = {
        "is no export that is read": linked.getvalue(),
        "is too large; 50 MB are read": compressed("posts.csv", bytes(50_000_001)),
        "more than 50,000 files": many_members(50_001),
        "zip file that can't be read": zipped(**{"posts.csv": POSTS})[:-4],
        "posts.csv: can't be read: Bad CRC": zipped(**{"posts.csv": POSTS}).replace(
            b"1.f", b"9.f"
        ),
        "posts.csv: can't be read: Error -3": damaged(compressed("posts.csv", POSTS.encode())),
    }
    for said, content in refused.items():
        with pytest.raises(UsageError, match=said):
            bring(content, LINKED)


def compressed(name: str, content: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def many_members(number: int) -> bytes:
    return zipped(**{str(one): b"" for one in range(number)})


def damaged(content: bytes) -> bytes:
    """Give a zip file whose first member does not decompress."""
    start = 30 + len("posts.csv")
    return content[:start] + b"\xff\xff" + content[start + 2 :]


def test_the_zip_file_of_wordpress_com_is_read(bring: Bring) -> None:
    report = bring(zipped(**{"site.2026-01-08.000.xml": wxr(item(1, "The ferry", ENGLISH))}))
    assert [one.name for one in report.files] == ["the-ferry.md"]
