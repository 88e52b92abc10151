"""Mails as they were sent, each beside its HTML before inlining. Made once for all processes.

A publication prints into its outbox; its mails are taken from there. Knows no browser.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.rendering import digest, inlining
from publisher.rendering.inlining import inline
from tests.sharing import made_once
from tools.browser.chromium import Site

# What stands for a reader's own values until the mail is hers.
TOKEN = re.compile(r"@@[A-Z_]+@@")

Inlinings = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One reader's mail: its HTML as sent, and what that was before inlining."""

    edition: str
    name: str
    source: str
    html: str
    site: Site

    def as_row(self) -> list[str]:
        """Write it as what JSON takes."""
        site = self.site
        return [self.edition, self.name, self.source, self.html, site.url, str(site.public)]

    @classmethod
    def of(cls, row: list[str]) -> Mail:
        """Read what `as_row` wrote."""
        edition, name, source, html, url, public = row
        site = Site(url=url, public=Path(public))
        return cls(edition=edition, name=name, source=source, html=html, site=site)


@contextmanager
def inlinings() -> Iterator[Inlinings]:
    """Note what goes into the inliner and what comes out of it.

    A spy that calls through: the HTML before inlining is kept nowhere, and is not to be kept
    for the sake of a test.
    """
    noted: Inlinings = []

    def noting(html: str) -> str:
        noted.append((html, inline(html)))
        return noted[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        for composing in (digest, inlining):
            patch.setattr(composing, "inline", noting)
        yield noted


def posted(settings: Settings, noted: Inlinings) -> list[Mail]:
    """Give a mail of each issue in a publication's outbox."""
    outbox = settings.folders.outbox
    site = Site(url=settings.publication.url, public=settings.folders.public)
    # The name of a file begins with the issue's; a correction lies beside what it corrects.
    first = {
        path.parent / path.name.partition(".")[0]: path
        for path in sorted(outbox.rglob("*.eml"), reverse=True)
    }
    assert first, f"{outbox}: no mail"
    return [_posted(first[issue], site, noted) for issue in sorted(first)]


def _posted(path: Path, site: Site, noted: Inlinings) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("html",))
    assert body is not None
    html = str(body.get_content()).replace("\r\n", "\n").rstrip("\n")
    newsletter, language, _day = path.parent.parts[-3:]
    return Mail(
        edition=f"{newsletter}-{language}",
        name=path.name.partition(".")[0],
        source=_source(html, noted),
        html=html,
        site=site,
    )


def _source(html: str, noted: Inlinings) -> str:
    """Find what a mail was before inlining, and put its reader's values into that as well."""
    for source, inlined in noted:
        parts = map(re.escape, TOKEN.split(inlined.rstrip("\n")))
        if found := re.fullmatch("(.*?)".join(parts), html, re.DOTALL):
            values = dict(zip(TOKEN.findall(inlined), found.groups(), strict=True))
            return TOKEN.sub(lambda token, values=values: values[token[0]], source)  # type: ignore[misc]
    raise AssertionError(f"a mail is nothing that was inlined: {html[:200]}")


def shared(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], list[Mail]]
) -> list[Mail]:
    """Make mails in a folder, or take those that another process of this run has made."""

    def write(folder: Path) -> None:
        publication = folder / "publication"
        publication.mkdir(parents=True)
        rows = [mail.as_row() for mail in make(publication)]
        (folder / "mails.json").write_text(json.dumps(rows), "utf-8")

    made = made_once(factory, f"mails-{name}", write) / "mails.json"
    return [Mail.of(row) for row in json.loads(made.read_text("utf-8"))]
