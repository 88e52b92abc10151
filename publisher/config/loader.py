"""Reads publication.toml and the environment; returns Settings or raises one ConfigError. The tables check values."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from publisher.config import newsletters
from publisher.config.delivery import IMAP_PASSWORD, TRANSPORT_KINDS
from publisher.config.design import Logo
from publisher.config.publication import (
    Folders,
    People,
    Person,
    Publication,
    PublicationFile,
    Settings,
    people_tables,
)
from publisher.config.sources import GhostSourceSettings, SourceSettings, table_of_kind
from publisher.config.values import ConfigTable
from publisher.config.web import FEEDBACK_SECRETS, OPENID_SECRET, S3_KEY_ID, S3_SECRET
from publisher.errors import ConfigError
from publisher.i18n.messages import message, parts_of

SETTINGS_FILE = "publication.toml"
PEOPLE_FILE = "people.toml"
_SECRET_VARIABLE = "PUBLISHER_SECRET"  # noqa: S105  # the variable's name, not its value
_DATABASE_VARIABLE = "PUBLISHER_DATABASE"
_DIRECT_VARIABLE = "PUBLISHER_DIRECT_DATABASE"
_HOST_VARIABLE = "PUBLISHER_HOST"
# Characters. Shorter secrets can be guessed; 16 random bytes are 22 characters of base64.
_MIN_SECRET_LENGTH = 16
_TABLE_HEADINGS = {
    "publication": "[publication]",
    "source": "[[source]]",
    "newsletter": "[[newsletter]]",
}
# Tables whose settings have another name, or more in them.
_RENAMED = frozenset({"publication", "source", "newsletter"})
_BARE_KEY = re.compile(r"[\w.-]+")  # a key or dotted key that needs no quotes


def load_settings(
    directory: Path, environment: Mapping[str, str] = os.environ, content: bytes | None = None
) -> Settings:
    """Read the settings of a folder, with `content` in place of publication.toml's. Raises ConfigError."""
    path = directory / SETTINGS_FILE
    document = _check(parse_toml(path, content), path)
    _check_folders(document, path)
    publication = _with_pictures(document.publication, path)
    people = read_people(directory / PEOPLE_FILE)
    return Settings(
        folders=Folders(directory.resolve()),
        publication=publication.model_copy(update={"people": people}),
        sources=document.source,
        newsletters=document.newsletter,
        **{name: table for name, table in document if name not in _RENAMED},
        secret=_secret(environment),
        secrets=_secrets(environment, document.source),
        database_address=_address_in(environment, _DATABASE_VARIABLE)
        or (SecretStr(publication.database) if publication.database else None),
        direct_address=_address_in(environment, _DIRECT_VARIABLE),
        host=(environment.get(_HOST_VARIABLE) or os.uname().nodename).replace("/", "-"),
    )


def parse_toml(path: Path, content: bytes | None = None) -> dict[str, Any]:
    try:
        given = path.read_bytes() if content is None else content
        # A byte order mark may precede; lines may end as in any system.
        return tomllib.loads(StringIO(given.decode("utf-8-sig"), newline=None).read())
    except FileNotFoundError:
        raise ConfigError(
            str(path),
            "",
            "no such file",
            f"make a publication with: publisher new {path.parent}",
        ) from None
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
        raise ConfigError(str(path), "", problem, "save the file as UTF-8") from None
    except ValueError as error:  # TOMLDecodeError, or a number with too many digits
        raise ConfigError(str(path), "", f"not TOML: {error}", "correct that line") from None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise ConfigError(str(path), "", problem, "let this user read it") from None


def _check(values: dict[str, Any], path: Path) -> PublicationFile:
    try:
        document = PublicationFile.model_validate(values)
    except ValidationError as error:
        raise _explain(error, path, values) from None
    for number, newsletter in enumerate(document.newsletter):
        for fault in newsletters.language_problems(newsletter, document.publication.languages):
            key = f"newsletter[{number}].{fault.key}"
            raise ConfigError(str(path), key, fault.problem, fault.remedy)
    return document


def _check_folders(document: PublicationFile, path: Path) -> None:
    folders = Folders(path.parent.resolve())
    for number, source in enumerate(document.source):
        for fault in source.problems(folders.root, folders.reserved):
            key = f"source[{number}].{fault.key}"
            raise ConfigError(str(path), key, fault.problem, fault.remedy)
    chosen = document.backup
    if chosen and chosen.path(folders.root).resolve().is_relative_to(folders.public):
        problem = f"{chosen.folder!r} lies in public/, and everybody can read what is there"
        remedy = "name a folder on another disk"
        raise ConfigError(str(path), "backup.folder", problem, remedy)


def _with_pictures(publication: Publication, path: Path) -> Publication:
    design, pictures = publication.design, dict[str, Logo]()
    for key in ("logo", "icon"):
        chosen = getattr(design, key)
        if chosen is None:
            continue
        try:
            pictures[key] = chosen.read(path.parent.resolve(), is_icon=key == "icon")
        except ValueError as error:
            problem, _, remedy = str(error).rpartition("; ")
            raise ConfigError(str(path), f"publication.design.{key}", problem, remedy) from None
    return publication.model_copy(update={"design": design.model_copy(update=pictures)})


def read_people(path: Path, content: bytes | None = None) -> People:
    if content is None and not os.path.lexists(path):
        return People()
    values = parse_toml(path, content)
    try:
        people = People(people_tables.validate_python(values))
    except ValidationError as error:
        raise _explain(error, path, values, Person) from None
    if shared := people.shared_spelling():
        first, second, spelling = shared
        problem = f"{spelling!r} is a spelling of {first}, too"
        raise ConfigError(str(path), second, problem, "give each spelling to one person")
    return people


def _explain(
    error: ValidationError, path: Path, values: Any, model: type[ConfigTable] = PublicationFile
) -> ConfigError:
    # An unknown key is often a misspelt required key: report it first.
    detail = min(
        error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden"
    )
    context = detail.get("ctx", {})
    key = _key((*detail["loc"], context["key"]) if "key" in context else detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return ConfigError(
            str(path), key, "unknown key", _nearest(detail["loc"], values, model)
        )
    if kind == "missing":
        remedy = _TABLE_HEADINGS.get(key, f"{key.rpartition('.')[2]} = ...")
        return ConfigError(str(path), key, "missing", f"add {remedy}")
    if kind in {"tuple_type", "model_type"}:
        problem = f"{repr(detail['input'])[:60]} won't do"
        return ConfigError(str(path), key, problem, _shape(key))
    return ConfigError(str(path), key, *_value_problem(detail))


def _value_problem(detail: ErrorDetails) -> tuple[str, str]:
    context, kind = detail.get("ctx", {}), detail["type"]
    given = message("%(value)s won't do", value=repr(detail["input"])[:60])
    if kind in {"greater_than_equal", "less_than_equal", "int_type", "int_parsing", "enum"}:
        return given, _advice(kind, context)
    if parts := parts_of(str(context.get("error", context.get("problem", "")))):
        return parts
    text = detail["msg"].removeprefix("Value error, ")
    problem, semicolon, remedy = text.rpartition("; ")
    if semicolon:
        return problem, remedy
    advice = text[:1].lower() + text[1:].replace(" after validation", "")
    return given, advice.replace("tuple", "list")


def _advice(kind: str, context: Mapping[str, Any]) -> str:
    """Return what pydantic says of a number or a choice, as a sentence that pages translate."""
    match kind:
        case "greater_than_equal":
            least = str(context["ge"])
            return message("input should be greater than or equal to %(least)s", least=least)
        case "less_than_equal":
            most = str(context["le"])
            return message("input should be less than or equal to %(most)s", most=most)
        case "enum":
            return message("input should be %(choices)s", choices=context["expected"])
        case "int_type":
            return message("input should be a valid integer")
        case _:
            return message(
                "input should be a valid integer, unable to parse string as an integer"
            )


def _shape(key: str) -> str:
    name = re.sub(r"\[\d+\]", "", key)
    if name.endswith("skip_dates"):
        return "write a list like [2026-12-25, 2027-01-01]"
    return f"write a table below {_TABLE_HEADINGS.get(name, f'[{name}]')}"


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part == "[key]":  # pydantic's word for the key itself
            continue
        else:
            text += f"{'.' if text else ''}{part if _BARE_KEY.fullmatch(part) else repr(part)}"
    return text


def _nearest(location: tuple[int | str, ...], values: Any, model: type[ConfigTable]) -> str:
    fields = list(_fields(location[:-1], values, model))
    close = difflib.get_close_matches(str(location[-1]), fields, 1)
    return f"did you mean {close[0]}?" if close else f"the keys here are {', '.join(fields)}"


def _fields(
    location: tuple[int | str, ...], values: Any, model: type[ConfigTable]
) -> Mapping[str, Any]:
    for part in location:
        values = values[part]
        if model is SourceSettings:
            model = table_of_kind(values["kind"])
        for candidate in _models(model.keys().get(str(part))):
            model = candidate
    return model.keys()


def _models(annotation: Any) -> list[type[ConfigTable]]:
    if isinstance(annotation, type) and issubclass(annotation, ConfigTable):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _secret(environment: Mapping[str, str]) -> SecretStr | None:
    value = environment.get(_SECRET_VARIABLE)
    if value is None:
        return None
    if len(value) < _MIN_SECRET_LENGTH:
        problem = f"only {len(value)} characters"
        remedy = f"use {_MIN_SECRET_LENGTH} or more from a random source"
        raise ConfigError("environment", _SECRET_VARIABLE, problem, remedy)
    return SecretStr(value)


def _secrets(
    environment: Mapping[str, str], sources: Iterable[SourceSettings]
) -> dict[str, SecretStr]:
    """Return the secrets that are set of transports, mailbox, webhooks, console, bucket and sources, by their variables."""
    names = [name for kind in TRANSPORT_KINDS.values() for name in kind.secrets]
    names += [IMAP_PASSWORD, *FEEDBACK_SECRETS, OPENID_SECRET, S3_KEY_ID, S3_SECRET]
    names += [one.key for one in sources if isinstance(one, GhostSourceSettings)]
    return {name: SecretStr(environment[name]) for name in names if environment.get(name)}


def _address_in(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    given = environment.get(variable)
    if not given:
        return None
    from publisher.database.dialect.backend import parse_address

    try:
        parse_address(given)
    except ValueError as error:
        problem, _, remedy = str(error).rpartition("; ")
        raise ConfigError("environment", variable, problem, remedy) from None
    return SecretStr(given)
