"""What approvers sign: all that subscribers get of an issue, but for their own values.

A manifest is JSON of named parts, and its hash is what is signed. The digest is a part by its own hash.
What variants are rendered from later is its basis: articles, edits, templates and settings.
When somebody sends an issue, or holds it, is not a part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.articles.known_people import with_known_people
from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.config.digest_keys import DigestKey
from publisher.config.people import People
from publisher.issues.edit_store import combined_edits
from publisher.issues.model import Issue, IssueKind
from publisher.messages import message

# What the header of each message is made from, besides the subscriber.
_HEADER_PARTS = ("sender", "header", "dkim")
_WORDS = {
    "digest": message("its mail or its page"),
    "articles": message("articles that its subscribers may get"),
    "edits": message("what editors changed"),
    "templates": message("the templates"),
    "edition": message("the settings of its edition"),
    "languages": message("the languages of the newsletter"),
    "publication": message("the name, address or look of the publication"),
    "time": message("when it is due"),
    "sender": message("the sender"),
    "header": message("the header of its mails"),
    "dkim": message("the signatures of its mails"),
}

Manifest = Mapping[str, Any]


def manifest_text(parts: Manifest) -> str:
    """Return a manifest as it is stored and signed."""
    return json.dumps(parts, sort_keys=True, ensure_ascii=True)


def manifest_hash(text: str) -> str:
    """Return the SHA-256 of a stored manifest."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_manifest(text: str) -> Manifest:
    """Return the parts of a stored manifest."""
    parts: Manifest = json.loads(text)
    return parts


def changed_parts(old: Manifest, new: Manifest) -> list[str]:
    """Return, in words, the parts in which two manifests differ."""
    names = [name for name in _WORDS if old.get(name) != new.get(name)]
    return [_WORDS[name] for name in names]


def header_changes(settings: Settings, language: str, manifest: Manifest) -> list[str]:
    """Return what of the header would differ from the manifest, by the settings of now."""
    now = _header_parts(settings, language)
    return [_WORDS[name] for name in _HEADER_PARTS if manifest.get(name) != now[name]]


def make_manifest(  # all that it is made from
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    digest: str,
    templates: str,
) -> Manifest:
    """Return the manifest of an issue with the hash of its digest, and of the templates."""
    edits = combined_edits(connection, issue.id)
    return {
        "digest": digest,
        "articles": basis_articles(connection, settings, issue, edits.pinned_at, edits.pinned),
        "edits": _hashed(_edits_of(asdict(edits))),
        "templates": templates,
        "edition": _hashed(_content_terms(edition)),
        "languages": list(_languages(settings, issue)),
        "publication": _hashed(_publication_terms(settings, edition.language)),
        "time": issue.due_at.astimezone(UTC).isoformat(),
        **_header_parts(settings, edition.language),
    }


def basis_articles(
    connection: Connection,
    settings: Settings,
    issue: Issue,
    pinned_at: datetime | None,
    pinned: Iterable[int],
) -> dict[str, str]:
    """Return the articles that an issue or one of its variants may show: hashes by id.

    These are all languages of the stories that came between the last selection and this one.
    """
    if issue.kind == IssueKind.CORRECTION:
        return {}
    until, publication = issue.assembled_at or issue.due_at, settings.publication
    edition = settings.edition(issue.newsletter, issue.language)
    oldest = until - edition.max_age if edition else until
    since = issue.available_since
    found, _too_old = articles.became_available(
        connection, publication.languages, since, until, oldest
    )
    known = articles.variants(connection, {one.story_id for one in found}, until)
    known |= articles.variants(connection, pinned, max(until, pinned_at or until))
    people = publication.people
    return {str(one.id): _shown_hash(people, one) for many in known.values() for one in many}


def _shown_hash(people: People, one: Article) -> str:
    """Return a hash of an article with the names that people.toml gives."""
    named = with_known_people(people, one)
    if named == one:
        return one.content_hash
    return _hashed([one.content_hash, named.bylines, named.translators, named.editor])


def _header_parts(settings: Settings, language: str) -> dict[str, Any]:
    publication, mailbox = settings.publication, settings.mailbox
    return {
        "sender": [*publication.sender_in(language)],
        "header": {
            "mailbox": (mailbox.address or "") if mailbox else "",
            "url": publication.url,
            "unsubscribe_by_web": settings.web.enabled,
        },
        "dkim": [[one.domain, one.selector] for one in settings.delivery.dkim],
    }


def _edits_of(edits: dict[str, Any]) -> dict[str, Any]:
    """Return what edits come to, without when: an edit that is undone leaves nothing."""
    del edits["pinned_at"]
    return edits | {"pinned": sorted(edits["pinned"])}


def _content_terms(edition: Edition) -> dict[str, Any]:
    """Return the settings of an edition that change what somebody gets."""
    names = ["newsletter", "language", "max_articles", "missing", "fallback", "content"]
    names += ["pictures", "local_time", "timezone"]
    terms = {name: getattr(edition, name) for name in names}
    return terms | {
        "title": edition.title(edition.language),
        "blocks": sorted(edition.blocks),
        "max_age": edition.max_age.total_seconds(),
    }


def _publication_terms(settings: Settings, language: str) -> dict[str, Any]:
    """Return the settings of the publication that mails and pages show."""
    publication, design = settings.publication, settings.publication.design
    return {
        "title": publication.title(language),
        "description": publication.description(language),
        "address": publication.address(language),
        "timezone": publication.timezone,
        "takes_requests": settings.takes_requests,
        "look": [design.accent, design.ground, design.headings],
        "logo": design.logo.target if design.logo else None,
    }


def _languages(settings: Settings, issue: Issue) -> Iterable[str]:
    newsletter = settings.newsletter(DigestKey.parse(issue.newsletter).newsletter)
    return [one.language for one in settings.editions(newsletter)] if newsletter else []


def _hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
