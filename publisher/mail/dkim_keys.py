"""The tables [[delivery.dkim]]: checked and made into signers, and told to DNS.

What receivers would distrust is worse than no signature, so that everything that can be known
beforehand is refused here. Knows no message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import abspath
from pathlib import Path

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import DkimSettings, resolve_file
from publisher.errors import ConfigError
from publisher.mail.dkim import DkimSigner

# RFC 6376 section 3.1: labels as of a domain (RFC 5321 section 4.1.2), of at most 63 characters.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# What a name in DNS may have, as people write it (RFC 1035 section 2.3.4).
_MAX_NAME = 253
# What one string of a TXT record holds (RFC 1035 section 3.3).
_MAX_STRING = 255


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A TXT record: its name, without a dot at the end, and its value in one piece."""

    name: str
    value: str

    def zone_line(self) -> str:
        """Write the record as a zone file has it, in strings of at most 255 characters."""
        starts = range(0, len(self.value), _MAX_STRING)
        strings = " ".join(f'"{self.value[start : start + _MAX_STRING]}"' for start in starts)
        return f"{self.name}. IN TXT ( {strings} )"


def dns_record(signer: DkimSigner) -> DnsRecord:
    """Give what DNS has to say, so that receivers can verify (RFC 6376 section 3.6)."""
    kind = signer.key.algorithm.partition("-")[0]
    name = _record_name(signer.selector, signer.domain)
    return DnsRecord(name, f"v=DKIM1; k={kind}; p={signer.key.public}")


def load_signers(settings: Settings) -> tuple[DkimSigner, ...]:
    """Read the keys of a publication, in the order of their tables.

    Raises ConfigError for a domain that is not the sender's, for a selector that is none or is
    there twice, and for a key that can't be read, that anybody can read on the web, or that
    receivers would distrust.
    """
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
    """Have the signature speak for the domain that readers see (RFC 7489 section 3.1.1)."""
    # A name without a dot stands above everybody.
    is_above = "." in domain and sender.endswith(f".{domain}")
    if domain != sender and not is_above:
        problem = f"{domain} can't sign for a sender at {sender}"
        remedy = f'write domain = "{sender}", or one above it that is yours'
        raise ConfigError(*place, problem, remedy)


def _check_hidden(place: tuple[str, str], path: Path, public: Path) -> None:
    """Refuse a key that is served to whoever asks for it, under this name or by a link."""
    named = Path(abspath(path))  # noqa: PTH100  # links are not to be followed here
    if named.is_relative_to(public) or path.resolve().is_relative_to(public.resolve()):
        problem = f"{path} lies below public/, where anybody can fetch it"
        remedy = "make a new key elsewhere, and a record for it: this one may be known"
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
        raise ConfigError(*place, problem, f"shorten it, {_MAX_NAME} are the most")
    if any(name.lower() == _record_name(s.selector, s.domain).lower() for s in before):
        problem = f"{selector} of {table.domain} is there twice"
        raise ConfigError(*place, problem, "give each key a selector of its own")


def _record_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"
