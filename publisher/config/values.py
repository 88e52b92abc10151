"""Types of the values in publication.toml, each with its check and its error message; kinds of tables.

A check raises ValueError with `problem; remedy`; the loader adds file and key. A `Kind` is that of a source or
transport: its settings, and the name of its code, which is imported when it is used: configuration is below all
packages that have kinds.
"""

import ipaddress
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from email.utils import formataddr
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainValidator
from pydantic_core import PydanticCustomError

from publisher.errors import LanguageError
from publisher.i18n.messages import joined, message
from publisher.languages import match, normalise
from publisher.languages.locales import HIDDEN_CHARACTERS

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# RFC 3986 without user, query and fragment. Copied into mail headers unescaped, so that a space
# or line break would break them.
_URL_CHARACTERS = re.compile(r"https?://[A-Za-z0-9._~%!$&'()*+,;=:/\[\]-]+")
# RFC 1123 section 2.1, and underscores, which names of containers have.
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*"
)
# RFC 5321 section 4.5.3.1.1.
MAX_LOCAL_PART = 64
_QUERY_CHARACTERS = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*")
# Controls and Unicode's line ends: they could end a header line (RFC 5322 section 2.2).
_CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{HIDDEN_CHARACTERS}]")


class ConfigTable(BaseModel):
    """One table of publication.toml: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    @classmethod
    def keys(cls) -> dict[str, Any]:
        return {
            field.alias or name: field.annotation
            for name, field in cls.model_fields.items()
            if not field.exclude
        }


def wrong(key: str, problem: str) -> PydanticCustomError:
    """Return the error of a key in the table that is checked; `problem` is `problem; remedy`."""
    return PydanticCustomError("setting", "{problem}", {"problem": problem, "key": key})


class SettingProblem(NamedTuple):
    """A key in a table, its problem, and the remedy."""

    key: str
    problem: str
    remedy: str


def _tag(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a language tag; write one like en or zh-Hans")  # noqa: TRY004  # pydantic collects ValueErrors only
    try:
        return normalise(value)
    except LanguageError as error:
        raise ValueError(str(error)) from None


def _database(value: object) -> str:
    # SQLAlchemy takes a while to import, and few publications have an address.
    from publisher.database.dialect.backend import require_no_password

    if not isinstance(value, str):
        # The value is not repeated: it may hold a password.
        raise ValueError("is no text; write an address in quotes")  # noqa: TRY004  # pydantic's way
    return require_no_password(value)


def _fetched(value: str) -> str:
    from publisher.fetching.addresses import read_target
    from publisher.fetching.limits import FetchError

    try:
        read_target(value)
    except FetchError as error:
        raise ValueError(f"{error}; write one like https://example.org/feed.xml") from None
    return value


def _intranet(value: object) -> object:
    from publisher.fetching.addresses import intranet

    return intranet(value) if isinstance(value, str) else value


_DURATION = re.compile(r"(\d{1,5})(m|h|d)|0")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no duration; write one like 15m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[2] else timedelta()


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{value!r} is not a time zone; write an IANA name like Asia/Hong_Kong or UTC"
        ) from None
    return value


def _web_root(value: str) -> str:
    if not _is_web_root(value):
        raise ValueError(
            f"{value!r} is not a web address; write one like https://news.example.org"
        )
    return value.rstrip("/")


def _is_web_root(value: str) -> bool:
    if not _URL_CHARACTERS.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
        # Web servers do not match a host name with a trailing dot.
        host = parts.hostname or "."
        return parts.port != 0 and not host.endswith(".")
    except ValueError:  # a port that is not a number, unbalanced brackets
        return False


def _address(value: str) -> str:
    """Check a URL: like a web root, but it may have a query."""
    address, _, query = value.partition("?")
    if not _is_web_root(address) or not _QUERY_CHARACTERS.fullmatch(query):
        raise ValueError(
            f"{value!r} is not a web address; write one like https://hub.example.net/"
        )
    return value


def _host(value: str) -> str:
    import idna

    host = value.strip().lower().removesuffix(".")
    try:
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        ascii_host = ""
    if not (_HOST.fullmatch(ascii_host) or _is_address(ascii_host)):
        raise ValueError(f"{value!r} is not a host; write one like mail.example.org")
    return ascii_host


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} can't be part of a URL; write small letters, digits and hyphens, like weekly"
        )
    return value


def _time(value: object) -> time:
    try:
        moment = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        moment = None
    # The zone has its own key, and times are stored in whole seconds.
    if moment is None or moment.tzinfo or moment.microsecond:
        raise ValueError(
            joined(
                message("%(value)s is not a time of day", value=repr(str(value))),
                message("write one like 08:00"),
            )
        )
    return moment


_MAILBOX = re.compile(
    r"""\s*(?: "?(?P<name>[^"<>@]*?)"?\s*<(?P<angle>[^<>]+)> | (?P<bare>\S+) )\s*""", re.VERBOSE
)
# What email_validator returns unchanged: most addresses, and its import takes the twentieth part of a short command.
_PLAIN_ADDRESS = re.compile(
    r"(?=.{,63}\Z)[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*"
    r"@([a-z0-9]+(-[a-z0-9]+)*\.)+(?!(arpa|invalid|local|localhost|onion)\Z)[a-z]{2,}"
)


class Mailbox(NamedTuple):
    """A display name and an address, as in a From header (RFC 5322 section 3.4)."""

    name: str
    address: str

    def __str__(self) -> str:
        return formataddr(self) if self.name else self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def _mailbox(value: object) -> Mailbox:
    if isinstance(value, Mailbox):
        return value
    found = None if _CONTROLS.search(str(value)) else _MAILBOX.fullmatch(str(value))
    address = (found["angle"] or found["bare"]) if found else ""
    if len(address.rpartition("@")[0]) > MAX_LOCAL_PART:
        raise ValueError(
            f"{value!r} has more than {MAX_LOCAL_PART} characters before the @, and servers "
            "may refuse it; write a shorter address"
        )
    if not _PLAIN_ADDRESS.fullmatch(address):
        address = _valid_address(address, value)
    name = (found["name"] or "").strip() if found else ""
    return Mailbox(name, address)


def _valid_address(address: str, value: object) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        raise ValueError(
            f'{value!r} is not a mail address; write "The Lantern <digest@news.example.org>"'
        ) from None
    return valid.ascii_email or valid.normalized


@dataclass(frozen=True, slots=True, repr=False)
class Localised:
    """A text in one or several languages. The tag "" means any language."""

    _texts: Mapping[str, str]

    def __call__(self, language: str) -> str:
        return self.matching(language) or next(iter(self._texts.values()))

    def matching(self, language: str) -> str | None:
        """Return the text in the best matching language or in any, None if there is none."""
        found = match(language, [tag for tag in self._texts if tag])
        return self._texts.get(found or "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts.values())

    def __bool__(self) -> bool:
        return any(self._texts.values())

    def __repr__(self) -> str:
        return f"Localised({self._texts!r})"


NO_TEXT = Localised({"": ""})


def _localised(value: object) -> Localised:
    if isinstance(value, Localised):
        return value
    texts = {"": value} if isinstance(value, str) else value
    if (
        not isinstance(texts, Mapping)
        or not texts
        or not all(isinstance(text, str) and text.strip() for text in texts.values())
    ):
        raise ValueError(
            joined(
                message("%(value)s is no text", value=repr(value)),
                message('write "Title" or { en = "Title", fr = "Titre" }'),
            )
        )
    check_distinct_tags(texts)
    return Localised({tag and _tag(tag): text for tag, text in texts.items()})


def _title(value: object) -> Localised:
    title = _localised(value)
    require_lines(title, value)
    return title


def require_lines(texts: Iterable[str], written: object = None) -> Any:
    """Return texts of one line each; raise ValueError with what was `written` for control characters."""
    if any(_CONTROLS.search(text) for text in texts):
        raise ValueError(
            joined(
                message(
                    "%(value)s has a line break or control character",
                    value=repr(written or texts),
                ),
                message("write one line"),
            )
        )
    return texts


def check_distinct_tags(value: Any) -> Any:
    tags = [_tag(tag) for tag in value if tag] if isinstance(value, tuple | Mapping) else []
    twice = next((tag for tag in tags if tags.count(tag) > 1), None)
    if twice:
        raise ValueError(
            joined(
                message("%(name)s is there twice", name=twice),
                message("name each language once"),
            )
        )
    return value


def require_list(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f'{value!r} is not a list; write one in brackets, like ["a", "b"]')  # noqa: TRY004  # pydantic collects ValueErrors only
    return tuple(value)


LanguageTag = Annotated[str, BeforeValidator(_tag)]
LanguageTags = Annotated[
    tuple[LanguageTag, ...], AfterValidator(check_distinct_tags), BeforeValidator(require_list)
]
DatabaseAddress = Annotated[str, BeforeValidator(_database)]
TimeZoneName = Annotated[str, AfterValidator(_zone)]
WebAddress = Annotated[str, AfterValidator(_address)]
IntranetRange = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_intranet)
]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
# Of something to be fetched: with a path and a query as they are.
FetchedAddress = Annotated[str, AfterValidator(_fetched)]
WebRoot = Annotated[str, AfterValidator(_web_root)]
UrlName = Annotated[str, AfterValidator(_name)]
TimeOfDay = Annotated[time, PlainValidator(_time)]
MailboxValue = Annotated[Mailbox, PlainValidator(_mailbox)]
HostName = Annotated[str, AfterValidator(_host)]
LocalisedText = Annotated[Localised, PlainValidator(_localised)]
LocalisedTitle = Annotated[Localised, PlainValidator(_title)]


@dataclass(frozen=True, slots=True)
class Kind:
    """The settings table of a kind, and its factory as `package.module:name`, for `pkgutil.resolve_name`."""

    settings: type[ConfigTable]
    factory: str
    secrets: tuple[str, ...] = ()  # the environment variables that hold its secrets
