"""Make DKIM signers from the tables [[delivery.dkim]], and their DNS records. A signature that receivers distrust is an error here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import abspath
from pathlib import Path

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import DkimSettings, resolve_file
from publisher.errors import ConfigError
from publisher.mail.dkim import DkimSigner

# RFC 6376 section 3.1: labels as in a domain (RFC 5321 section 4.1.2), of at most 63 characters.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_MAX_NAME = 253  # characters of a name in DNS, as people write it (RFC 1035 section 2.3.4)
_MAX_STRING = 255  # characters of one string of a TXT record (RFC 1035 section 3.3)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A TXT record. `name` has no dot at the end, `value` is not cut into strings."""

    name: str
    value: str

    def zone_line(self) -> str:
        """Return the record as a line of a zone file, in strings of at most 255 characters."""
        starts = range(0, len(self.value), _MAX_STRING)
        strings = " ".join(f'"{self.value[start : start + _MAX_STRING]}"' for start in starts)
        return f"{self.name}. IN TXT ( {strings} )"


def dns_record(signer: DkimSigner) -> DnsRecord:
    """Return the record with which receivers verify a signature (RFC 6376 section 3.6)."""
    kind = signer.key.algorithm.partition("-")[0]
    name = _record_name(signer.selector, signer.domain)
    return DnsRecord(name, f"v=DKIM1; k={kind}; p={signer.key.public}")


def load_signers(settings: Settings) -> tuple[DkimSigner, ...]:
    """Return a publication's signers. Raise ConfigError for a foreign domain, a bad or double selector, and an unusable key."""
    if not settings.delivery.dkim:
        return ()
    # It loads a library of cryptography.
    from publisher.mail.dkim_key_files import read_key

    file, root = str(settings.folders.root / SETTINGS_FILE), settings.folders.root
    sender = settings.publication.sender.domain.lower()
    signers: list[DkimSigner] = []
    for number, table in enumerate(settings.delivery.dkim):
        where = f"delivery.dkim[{number}]"
        _check_domain((file, f"{where}.domain"), table.domain, sender)
        _check_selector((file, f"{where}.selector"), table, signers)
        path = resolve_file(root, table.key)
        key = read_key(path, (file, f"{where}.key"))
        _check_hidden((file, f"{where}.key"), path, settings.folders.public)
        signers.append(DkimSigner(table.domain, table.selector, key))
    return tuple(signers)


def _check_domain(place: tuple[str, str], domain: str, sender: str) -> None:
    """Require the domain of the From address, or one above it (RFC 7489 section 3.1.1)."""
    # A name without a dot is a top-level domain.
    is_above = "." in domain and sender.endswith(f".{domain}")
    if domain != sender and not is_above:
        problem = f"{domain} can't sign for a sender at {sender}"
        remedy = f'write domain = "{sender}", or one above it that is yours'
        raise ConfigError(*place, problem, remedy)


def _check_hidden(place: tuple[str, str], path: Path, public: Path) -> None:
    """Refuse a key that the web server would serve, under its own name or through a link."""
    named = Path(abspath(path))  # noqa: PTH100  # without following links
    if named.is_relative_to(public) or path.resolve().is_relative_to(public.resolve()):
        problem = f"{path} lies below public/, where anybody can fetch it"
        remedy = (
            "make a new key elsewhere, with a new DNS record: somebody may have copied this one"
        )
        raise ConfigError(*place, problem, remedy)


def _check_selector(
    place: tuple[str, str], table: DkimSettings, before: Sequence[DkimSigner]
) -> None:
    selector = table.selector
    if not _SELECTOR.fullmatch(selector):
        remedy = "write letters, digits and hyphens, like news-2026"
        raise ConfigError(*place, f"{selector!r} is not a selector", remedy)
    name = _record_name(selector, table.domain)
    if len(name) > _MAX_NAME:
        problem = f"its name in DNS would have {len(name)} characters"
        raise ConfigError(*place, problem, f"shorten the selector; DNS allows {_MAX_NAME}")
    if any(name.lower() == _record_name(s.selector, s.domain).lower() for s in before):
        problem = f"{selector} of {table.domain} is there twice"
        raise ConfigError(*place, problem, "give each key a selector of its own")


def _record_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"
