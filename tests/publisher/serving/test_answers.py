"""What any server of a publication answers: ours, and nginx by our configuration.

Most tests ask for many documents, since a test for each would take longer than its question;
a failure names the document.
"""

import gzip
from dataclasses import dataclass, field

import brotli
import pytest

from tests.publisher.serving.samples import (
    AFTER,
    BEFORE,
    FILES,
    HOST,
    HUB,
    LAST_MODIFIED,
    PACKED,
    PAGE,
    RSS,
    TTL,
)
from tools.servers.web_servers import Server, steady

SOON = f"public, max-age={TTL * 60}"
A_DAY = "public, max-age=86400"
FOR_EVER = "public, max-age=31536000, immutable"


# It has no compressed copies.
SHEET = "assets/style.0a1b2c.css"


@dataclass(frozen=True)
class Case:
    """What is said of a document: its type, how long a copy is fresh, to whom it links."""

    path: str
    media_type: str
    cache: str = SOON
    links: tuple[str, ...] = ()
    public: bool = True
    content: bytes | None = field(default=None, repr=False)

    @property
    def body(self) -> bytes:
        return self.content or PACKED.get(self.path) or FILES[self.path]


CASES = (
    Case("feeds/en.rss.xml", "application/rss+xml; charset=utf-8", SOON, ("hub", "self")),
    Case("feeds/en.atom.xml", "application/atom+xml; charset=utf-8", SOON, ("hub", "self")),
    Case("feeds/en.json", "application/feed+json; charset=utf-8", SOON, ("hub", "self")),
    Case(
        "feeds/zh-Hans/topics/gang-kou.rss.xml",
        "application/rss+xml; charset=utf-8",
        SOON,
        ("hub", "self"),
    ),
    Case(
        "feeds/en/archive/3.atom.xml", "application/atom+xml; charset=utf-8", A_DAY, ("self",)
    ),
    Case("feeds/index.opml", "text/x-opml; charset=utf-8"),
    Case("feeds/style.ar.css", "text/css; charset=utf-8"),
    Case("", "text/html; charset=utf-8", public=False, content=PAGE),
    Case("feeds/", "text/html; charset=utf-8", public=False, content=FILES["feeds/index.html"]),
    Case("en/", "text/html; charset=utf-8", public=False, content=FILES["en/index.html"]),
    Case("robots.txt", "text/plain; charset=utf-8", public=False),
    Case(".well-known/security.txt", "text/plain; charset=utf-8", public=False),
    Case(SHEET, "text/css; charset=utf-8", FOR_EVER, public=False),
    Case("media/0a1b2c/harbour.jpg", "image/jpeg", FOR_EVER, public=False),
    Case("media/0a1b2c/tide.mp3", "audio/mpeg", FOR_EVER, public=False),
    Case("media/0a1b2c/notes.unheard-of", "application/octet-stream", FOR_EVER, public=False),
)
FEED = "feeds/en.rss.xml"
# What a client accepts, and in what encoding it then gets a document that has copies.
ENCODINGS = {
    None: None,
    "identity": None,
    "gzip": "gzip",
    "gzip, deflate": "gzip",
    "br": "br",
    "gzip, deflate, br, zstd": "br",
    "GZip": "gzip",
    "gzip;q=0.5": "gzip",
    "gzip;q=0": None,
    "gzip;q=0, br;q=1.0": "br",
    "compress, pack200-gzip": None,
}
# Paths that no program of ours makes.
ODD = (
    "feeds/en.rss.xml/",
    "feeds/en.rss.xml/more",
    "feeds/en%00.rss.xml",
    "feeds/" + 300 * "a",
)
MISSING = (
    "feeds/fr.rss.xml",
    "nowhere/",
    "media/0a1b2c/",
    "empty/",
    ".secret",
    "en/.git/config",
    "feeds/.en.rss.xml.part",
    "feeds/late.json.part",
    "feeds/en.rss.xml.gz",
    "feeds/en.rss.xml.br",
    "feeds/new%0d%0aline.json",
    ".page/feeds/en.rss.xml",
    "feeds/en.rss.xml%0a",
    "en/%0a",
    "en/.git/two%0Alines",
    "two%0Alines/.secret",
    "feeds/two%0Alines.part",
)
# Other ways to write the path of a feed, one of which would add a hub to the Link header.
UNCLEAN = (
    "/feeds/en.rss.xml",
    "feeds//en.rss.xml",
    "feeds/./en.rss.xml",
    "feeds/%2e%2e/feeds/en.rss.xml",
    "%3E;%20rel=%22self%22,%20%3Chttps:evil.example%3E;%20rel=%22hub%22,%3C/../feeds/en.rss.xml",
)
OUTSIDE = (
    "../publication.toml",
    "en/../../publication.toml",
    "%2e%2e/publication.toml",
    "..%2fpublication.toml",
    ".well-known/../../publication.toml",
    "en/..%5c..%5cpublication.toml",
    "feeds/....//....//publication.toml",
    "//etc/passwd",
)


def vary_of(case: Case) -> str:
    styled = case.path.endswith((".rss.xml", ".atom.xml"))
    return "Accept, Accept-Encoding" if styled else "Accept-Encoding"


def test_a_document_says_what_it_is(server: Server) -> None:
    for case in CASES:
        answer = server.ask(case.path)
        assert (answer.status, answer.body) == (200, case.body), case
        assert answer.headers["content-type"] == case.media_type, case
        assert answer.headers["content-length"] == str(len(case.body)), case
        assert answer.headers["last-modified"] == LAST_MODIFIED, case
        assert answer.headers["etag"][0] == answer.headers["etag"][-1] == '"', case
        assert answer.headers["cache-control"] == case.cache, case
        assert answer.headers["accept-ranges"] == "bytes", case
        assert answer.headers["x-content-type-options"] == "nosniff", case
        policy = answer.headers["content-security-policy"]
        assert {"default-src 'self'", "frame-ancestors 'none'"} <= {*policy.split("; ")}, case
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin", case
        assert "set-cookie" not in answer.headers, case


def test_a_document_links_to_hub_and_self(server: Server) -> None:
    for case in CASES:
        targets = {"hub": HUB, "self": f"{HOST}{server.prefix}/{case.path}"}
        links = ", ".join(f'<{targets[rel]}>; rel="{rel}"' for rel in case.links)
        assert server.ask(case.path).headers.get("link", "") == links, case


def test_self_is_the_one_address_of_a_feed_however_it_was_asked_for(server: Server) -> None:
    link = server.ask(FEED).headers["link"]
    for path in UNCLEAN:
        answer = server.ask(path)
        # waitress drops slashes at the beginning; nginx normalises all of a path.
        served = server.name == "nginx" or (path.startswith("/") and not server.prefix)
        assert answer.status == (200 if served else 404), path
        assert answer.headers.get("link") == (link if served else None), path


def test_scripts_of_any_site_may_read_feeds_and_only_these(server: Server) -> None:
    for case in CASES:
        headers = server.ask(case.path, Origin="https://reader.example.com").headers
        exposed = headers.get("access-control-expose-headers")
        assert headers.get("access-control-allow-origin") == ("*" if case.public else None), (
            case
        )
        assert exposed == ("ETag, Link" if case.public else None), case


def test_head_says_what_get_says(server: Server) -> None:
    for case in CASES:
        head = server.ask(case.path, "HEAD", Accept_Encoding="gzip")
        get = server.ask(case.path, Accept_Encoding="gzip")
        assert (head.status, head.body) == (200, b""), case
        assert steady(head) == steady(get), case


def test_a_client_gets_an_encoding_that_it_takes(server: Server) -> None:
    unpack = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
    taken = {
        one: coding for one, coding in ENCODINGS.items() if server.brotli or coding != "br"
    }
    for accepted, coding in taken.items():
        fields = {"Accept_Encoding": accepted} if accepted else {}
        for case in (one for one in CASES if one.path in PACKED):
            answer = server.ask(case.path, **fields)
            assert answer.headers.get("content-encoding") == coding, (accepted, case)
            assert answer.headers["vary"] == vary_of(case), (accepted, case)
            assert answer.headers["content-length"] == str(len(answer.body)), (accepted, case)
            assert unpack[coding](answer.body) == case.body, (accepted, case)


def test_a_text_without_copies_is_compressed_for_each_request(server: Server) -> None:
    whole = server.ask(SHEET, Accept_Encoding="gzip")
    assert (whole.status, whole.headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(whole.body) == FILES[SHEET]
    asked = {"Accept_Encoding": "gzip", "If_None_Match": whole.headers["etag"]}
    again, plain = server.ask(SHEET, **asked), server.ask(SHEET)
    assert (again.status, again.body) == (304, b"")
    assert "content-encoding" not in plain.headers
    assert (whole.headers["vary"], plain.headers["vary"]) == ("Accept-Encoding",) * 2
    for path in ("en/", "media/0a1b2c/tide.mp3"):
        assert "content-encoding" not in server.ask(path, Accept_Encoding="gzip").headers, path


def test_each_encoding_has_a_strong_tag_which_is_none_of_another(server: Server) -> None:
    codings = ["identity", "gzip", *(["br"] if server.brotli else [])]
    tags = [server.ask(FEED, Accept_Encoding=one).headers["etag"] for one in codings]
    assert len(set(tags)) == len(codings)
    assert not any(tag.startswith("W/") for tag in tags)
    etag = server.ask(FEED, Accept_Encoding="gzip").headers["etag"]
    assert server.ask(FEED, Accept_Encoding="gzip", If_None_Match=etag).status == 304
    assert server.ask(FEED, If_None_Match=etag).status == 200


@pytest.mark.parametrize("path", [FEED, "feeds/en.json", "feeds/en/archive/3.atom.xml"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_a_client_has_is_not_sent_again(server: Server, coding: str, path: str) -> None:
    whole = server.ask(path, Accept_Encoding=coding)
    etag = whole.headers["etag"]
    for condition in (
        {"If_None_Match": etag},
        {"If_None_Match": f'"another", W/{etag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": LAST_MODIFIED},
        {"If_Modified_Since": AFTER},
        {"If_None_Match": etag, "If_Modified_Since": LAST_MODIFIED},
    ):
        for method in ("GET", "HEAD"):
            answer = server.ask(path, method, Accept_Encoding=coding, **condition)
            assert (answer.status, answer.body) == (304, b""), (method, condition)
            for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
                assert answer.headers.get(name) == whole.headers[name], (condition, name)
            assert not {"content-type", "content-encoding"} & set(answer.headers), condition


def test_what_a_client_has_not_is_sent(server: Server) -> None:
    for condition in (
        {"If_None_Match": '"another"'},
        {"If_None_Match": '"another", W/"a third"'},
        {"If_Modified_Since": BEFORE},
        {"If_Modified_Since": "no date at all"},
        {"If_None_Match": '"another"', "If_Modified_Since": AFTER},
    ):
        for path in ("en/", FEED, "media/0a1b2c/tide.mp3"):
            assert server.ask(path, **condition).status == 200, (condition, path)


def test_a_part_of_a_sound_can_be_asked_for(server: Server) -> None:
    sound = FILES["media/0a1b2c/tide.mp3"]
    part = server.ask("media/0a1b2c/tide.mp3", Range="bytes=4-19")
    beyond = server.ask("media/0a1b2c/tide.mp3", Range="bytes=99999-")
    assert (part.status, part.body) == (206, sound[4:20])
    assert part.headers["content-range"] == f"bytes 4-19/{len(sound)}"
    assert beyond.status == 416
    assert beyond.headers["content-range"] == f"bytes */{len(sound)}"


def test_what_is_not_there_or_not_to_be_seen_is_missing(server: Server) -> None:
    for path in MISSING:
        for method in ("GET", "HEAD"):
            answer = server.ask(path, method)
            assert answer.status == 404, path
            if answer.headers.get("content-length") != "0":
                assert answer.headers["content-type"] == "text/html; charset=utf-8", path
            assert not {"cache-control", "link", "etag", "vary"} & set(answer.headers), path


def test_what_is_not_there_is_said_in_the_language_of_the_path(server: Server) -> None:
    for path, file in (
        *(("en/x/", "en/.missing.html"), ("en/stories/x.png", "en/.missing.html")),
        *(("x/", ".missing.html"), ("ar/x/", ".missing.html"), ("en-x/", ".missing.html")),
        *(("feeds/fr.rss.xml", ".missing.html"), (".secret", ".missing.html")),
        ("en/.missing.html", "en/.missing.html"),
    ):
        page = server.ask(path, if_modified_since=AFTER)
        assert (page.status, page.body) == (404, FILES[file]), path
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not {"cache-control", "etag", "link"} & set(page.headers), path
    assert server.ask("en/x/", "HEAD").body == b""


def test_a_withdrawn_page_is_gone_with_words(server: Server) -> None:
    page = server.ask("en/stories/gone/", if_modified_since=AFTER, accept_encoding="gzip")
    assert (page.status, page.body) == (410, FILES["en/stories/gone/.gone.html"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert server.ask("en/stories/gone/", "HEAD").status == 410
    assert server.ask("en/stories/gone/.gone.html").status == 404
    assert server.ask("en/stories/gone/x/").status == 404


def test_an_odd_path_does_no_harm(server: Server) -> None:
    statuses = {"own": {404}, "nginx": {400, 404}}[server.name]
    for path in ODD:
        assert server.ask(path).status in statuses, path
        assert server.ask(FEED).status == 200, path


def test_nothing_outside_the_web_root_is_served(server: Server) -> None:
    for path in OUTSIDE:
        answer = server.ask(path)
        assert answer.status in {301, 400, 404}, path
        assert b"sender" not in answer.body, path
        assert b"root:" not in answer.body, path


def test_a_folder_is_asked_for_with_its_slash(server: Server) -> None:
    for path in ("en", "feeds"):
        answer = server.ask(path)
        assert answer.status == 301
        assert answer.headers["location"] == f"{server.prefix}/{path}/"


def test_the_host_leads_to_a_publication_below_a_path(server: Server) -> None:
    root, bare = server.ask_host("/"), server.ask_host("/blog")
    if server.prefix:
        assert (root.status, root.headers["location"]) == (302, "/blog/")
        assert (bare.status, bare.headers["location"]) == (301, "/blog/")
        assert server.ask_host("/blogs/en/").status == 404
        assert server.ask_host("/en/").status == 404
    else:
        assert (root.status, root.body) == (200, PAGE)
        assert bare.status == 404


def test_nothing_can_be_changed_not_even_by_a_query(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE", "PROPFIND"):
        answer = server.ask(FEED, method)
        assert answer.status == 405, method
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS", method
        assert server.ask(FEED).body == RSS, method
    assert server.ask(f"{FEED}?again=1").body == RSS


def test_a_script_may_ask_with_conditions(server: Server) -> None:
    asked = {
        "Origin": "https://reader.example.com",
        "Access_Control_Request_Method": "GET",
        "Access_Control_Request_Headers": "if-none-match",
    }
    answer = server.ask(FEED, "OPTIONS", **asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["access-control-allow-headers"] == "*"
    assert answer.headers["access-control-max-age"] == "86400"
    assert "access-control-allow-origin" not in server.ask("en/", "OPTIONS", **asked).headers
