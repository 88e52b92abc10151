"""What the program made of a site: run by its commands, read from its output."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import html
from lxml.html import HtmlElement

from tests.processes import ROOT

# Seconds for a large site on a busy machine.
_TIMEOUT = 3600


@dataclass(frozen=True)
class PublishedPage:
    """The page of one article."""

    path: str
    title: str
    body: HtmlElement
    whole: HtmlElement

    @cached_property
    def text(self) -> str:
        """All words of the article, and those that stand for its pictures."""
        images = self.whole.iter("img")
        alternatives = " ".join(str(one.get("alt") or "") for one in images)
        return f"{self.title} {self.body.text_content()} {alternatives}"

    @cached_property
    def prose(self) -> str:
        """The words outside code, each element's on lines of their own."""
        copy: Any = html.fromstring(html.tostring(self.body))
        for one in list(copy.iter("pre", "code", "kbd", "samp")):
            one.drop_tree()
        return f"{self.title}\n" + "\n".join(copy.itertext())

    @cached_property
    def links(self) -> list[str]:
        """The addresses of all links in the text."""
        return [unquote(str(one.get("href"))) for one in self.body.iter("a") if one.get("href")]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The places that links can lead to."""
        return frozenset(str(one.get("id")) for one in self.whole.iter() if one.get("id"))


@dataclass(frozen=True)
class PublishedSite:
    """A publication's folder after one cycle."""

    folder: Path
    articles: list[dict[str, Any]]
    problems: dict[str, list[dict[str, Any]]]
    # Where the site stands, if that is not where the publication does.
    url: str = ""

    @cached_property
    def home(self) -> str:
        """The address at which the site's own pages stand, without a slash at the end."""
        return self.url.rstrip("/") or self.base

    @cached_property
    def base(self) -> str:
        """The publication's address without a slash at the end."""
        text = (self.folder / "publication.toml").read_text("utf-8")
        found = re.search(r'^url = "([^"]+)"', text, re.MULTILINE)
        return found[1].rstrip("/") if found else ""

    def page(self, article: dict[str, Any]) -> PublishedPage | None:
        """Return an article's page, None if there is none."""
        prefix = urlsplit(self.base).path.rstrip("/")
        path = f"{prefix}/{article['language']}/stories/{article['slug']}/"
        return self.page_at(path)

    def page_at(self, path: str) -> PublishedPage | None:
        """Return the page of an article at a path."""
        file = self.file_at(path)
        if file is None:
            return None
        tree: Any = html.fromstring(file.read_bytes())
        bodies = tree.find_class("prose")
        titles = [one.text_content() for one in tree.iter("h1")]
        article = next(tree.iter("article"), tree)
        body = bodies[0] if bodies else html.fromstring("<div></div>")
        return PublishedPage(path, " ".join(titles[:1]), body, article)

    def file_at(self, path: str) -> Path | None:
        """Return the file that a web server would answer with, None for none."""
        prefix = urlsplit(self.base).path.rstrip("/")
        bare = unquote(urlsplit(path).path).removeprefix(prefix).strip("/")
        public = self.folder / "public"
        for one in (bare, f"{bare}/index.html".lstrip("/"), f"{bare}.html"):
            if (public / one).is_file():
                return public / one
        return None

    def leads_to(self, path: str) -> str | None:
        """Return the path at which a reader of an address arrives, None for none."""
        file = self.file_at(path)
        if file is None:
            return None
        moved = re.search(rb'http-equiv="refresh" content="0; url=([^"]+)"', file.read_bytes())
        return urlsplit(moved[1].decode()).path if moved else path


def publish(site: Path, folder: Path, url: str | None) -> PublishedSite:
    """Start a publication in the place of a site, run one cycle, and return what is there."""
    stated = re.search(
        r"which stands at (\S+)", _command("new", str(folder), "--from", str(site))
    )
    settings = folder / "publication.toml"
    text = settings.read_text("utf-8")
    if url:
        text = re.sub(r'(kind = "folder"\n)', rf'\1url = "{url}"\n', text)
    if here := url or (stated and stated[1]):
        text = re.sub(r'^url = ".*"', f'url = "{here}"', text, count=1, flags=re.MULTILINE)
    settings.write_text(text)
    _command("run", "--once", str(folder))
    return read_published(folder)


def read_published(folder: Path, url: str = "") -> PublishedSite:
    """Return what a publication made of its site, which stands at `url`, in an earlier cycle."""
    listed = json.loads(_command("articles", "--json", str(folder)))
    groups = json.loads(_command("articles", "problems", "--json", str(folder)))["kinds"]
    problems: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        for one in group["problems"]:
            problems.setdefault(one["file"], []).append(one | {"kind": group["kind"]})
    ready = [one for one in listed["articles"] if one["status"] == "ready"]
    return PublishedSite(folder, ready, problems, url)


def _command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "publisher", *arguments],
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    # 3 says that something was held back, which is measured here.
    if done.returncode not in {0, 3}:
        raise SystemExit(
            f"publisher {arguments[0]} ended with {done.returncode}:\n{done.stderr}"
        )
    return done.stdout
