"""Authors whom a site lists once and documents name by a key, as in `authors.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

from publisher.ingest.parsers.fields import AFFILIATION_KEYS
from publisher.ingest.parsers.front_matter import YamlValue, normal_key


def named_authors(value: YamlValue, known: Mapping[str, Any]) -> YamlValue:
    """Return a value of `author` or `authors` with names and affiliations instead of keys.

    Entities, as in `Ren&eacute;e`, become characters.
    """
    if isinstance(value, list):
        named = (named_authors(one, known) for one in value)
        # Some are shown by a picture alone.
        return [one for one in named if not isinstance(one, dict) or one["name"]]
    if isinstance(value, str):
        entry = known.get(value) or known.get(value.strip())
        if isinstance(entry, str):
            return unescape(entry)
        return _author(value, entry) if isinstance(entry, Mapping) else unescape(value)
    if isinstance(value, dict):
        parts = {normal_key(key): one for key, one in value.items()}
        entry = known.get(str(parts.get("key"))) if parts.get("key") else None
        merged = {**entry, **parts} if isinstance(entry, Mapping) else parts
        return _author(str(parts.get("key") or ""), merged)
    return value


def _author(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    parts = {normal_key(name): one for name, one in entry.items()}
    # One name for each language; people.toml says more.
    stated = parts.get("name")
    if isinstance(stated, Mapping):
        parts["name"] = next((one for one in stated.values() if isinstance(one, str)), "")
    name = parts.get("name") or parts.get("display_name") or parts.get("title") or key
    words = (parts.get(one) for one in AFFILIATION_KEYS)
    affiliation = next((one for one in words if isinstance(one, str) and one != name), None)
    return {"name": unescape(str(name)), "affiliation": affiliation and unescape(affiliation)}
