"""The export of Ghost: JSON, alone or in a zip file with the pictures. Of its tables, those of members are not read."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from publisher.imports import model
from publisher.polling import foreign_values as foreign
from publisher.polling.foreign_values import JsonObject, json_objects, json_text
from publisher.polling.ghost import ghost_entry
from publisher.polling.model import AnswerError

_ADDRESS = b"__GHOST_URL__"
_NO_HTML = "has no HTML; change and save it in Ghost, and export again"
_STATUSES = frozenset({"published", "scheduled", "sent"})
# An internal tag with the code of a language.
_LANGUAGE_TAG = re.compile(r"hash-([a-z]{2}(?:-[a-z0-9]{2,8})*)")


def is_ghost(content: bytes) -> bool:
    """Return whether a JSON document begins like an export of Ghost."""
    return re.match(rb'\s*\{\s*"(?:db|meta|data|exported)', content) is not None


def read_ghost(
    content: bytes, options: model.ExportWishes, files: model.ExportFiles | None = None
) -> model.Export:
    """Read an export. Raise ImportProblemError if it is none."""
    if _ADDRESS in content and not options.site:
        raise model.ImportProblemError(
            "does not say where the site stood; add --site https://..."
        )
    try:
        value = foreign.json_value(content.replace(_ADDRESS, options.site.rstrip("/").encode()))
    except AnswerError as error:
        raise model.ImportProblemError(str(error)) from None
    document = next(iter(json_objects(value, "db")), value) if isinstance(value, dict) else {}
    data = next(iter(json_objects(document, "data")), {})
    if "posts" not in data:
        raise model.ImportProblemError("this JSON is no export of Ghost")
    rows, kinds = _joined(data), {"post", *options.kinds}
    wanted = [one for one in rows if _kind(one) in kinds]
    others = len(rows) - len(wanted)
    codes = (
        _LANGUAGE_TAG.fullmatch(json_text(one, "slug")) for one in json_objects(data, "tags")
    )
    languages = {code[0]: code[1] for code in codes if code}
    settings = {
        one.get("key"): json_text(one, "value") for one in json_objects(data, "settings")
    }
    return model.Export(
        system="Ghost",
        posts=tuple(_imported(one, options.site, languages) for one in wanted),
        notes=(f"{others} of the type page left out",) if others else (),
        site=options.site,
        language=settings.get("locale") or settings.get("lang", ""),
        picture=_pictures(files, options.site.rstrip("/")) if files else lambda _address: None,
    )


def _pictures(files: model.ExportFiles, site: str) -> Callable[[str], bytes | None]:
    """Return what reads the picture at an address below that of the site, if the export has it."""
    names = {
        one[one.index("content/images") :]: one for one in files.below("content/images", "")
    }

    def picture(address: str) -> bytes | None:
        path = urlsplit(address.removeprefix(f"{site}/")).path
        # What can't be read is looked for on the web.
        with suppress(model.ImportProblemError):
            return files.read(names[unquote(path)]) if unquote(path) in names else None
        return None

    return picture


def _kind(row: JsonObject) -> str:
    return json_text(row, "type") or ("page" if row.get("page") == 1 else "post")


def _joined(data: JsonObject) -> list[JsonObject]:
    """Return the posts with their tags, authors and values of other tables, as the Content API shows them."""
    metas = {json_text(one, "post_id"): one for one in json_objects(data, "posts_meta")}
    tags = _links(data, "posts_tags", "tag")
    people = _links(data, "posts_authors", "user", "author")
    joined = []
    for row in json_objects(data, "posts"):
        number = json_text(row, "id")
        own = {"tags": tags.get(number, []), "authors": people.get(number, [])}
        times = {key: _time(row, key) for key in ("published_at", "updated_at")}
        joined.append({**metas.get(number, {}), **row, **own, **times})
    return joined


def _links(
    data: JsonObject, table: str, name: str, key: str = ""
) -> dict[str, list[JsonObject]]:
    """Return rows by the ids of the posts that a table links them to, in its order."""
    rows = {json_text(one, "id"): one for one in json_objects(data, f"{name}s")}
    found: dict[str, list[JsonObject]] = {}
    links = json_objects(data, table)
    for link in sorted(links, key=lambda one: json_text(one, "sort_order").zfill(5)):
        if row := rows.get(json_text(link, f"{key or name}_id")):
            found.setdefault(json_text(link, "post_id"), []).append(row)
    return found


def _time(row: JsonObject, key: str) -> str:
    """Return a time of ISO 8601; old exports write milliseconds."""
    text = json_text(row, key)
    return (
        datetime.fromtimestamp(int(text[:13]) / 1000, UTC).isoformat()
        if text.isdigit()
        else text
    )


def _imported(row: JsonObject, site: str, languages: Mapping[str, str]) -> model.ImportedPost:
    slug, slugs = json_text(row, "slug"), (json_text(one, "slug") for one in row["tags"])
    entry, has_cards = ghost_entry(row, site, languages), json_text(row, "lexical", "mobiledoc")
    text = json_text(row, "html")
    return model.ImportedPost(
        entry=replace(
            entry,
            url=f"{site.rstrip('/')}/{slug}/",
            language=entry.language or json_text(row, "locale"),
        ),
        slug=slug,
        story=next((one for one in slugs if one.startswith("hash-story-")), ""),
        alt=json_text(row, "feature_image_alt"),
        caption=foreign.plain_title(json_text(row, "feature_image_caption"), is_html=True),
        canonical=foreign.web_address(json_text(row, "canonical_url")),
        left_out=_reason(row),
        unread=model.why_unread(text) or (_NO_HTML if has_cards and not text else ""),
    )


def _reason(row: JsonObject) -> str:
    status, seen_by = json_text(row, "status"), json_text(row, "visibility")
    if status not in _STATUSES:
        return f"is a {status or 'draft'}"
    return "" if seen_by in {"", "public"} else f"is for {seen_by} only"
