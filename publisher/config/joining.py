"""The table [joining]: how people subscribe by themselves, and what bounds requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from publisher.config.values import ConfigTable, Localised, LocalisedText


def _web_addresses(value: Localised) -> Localised:
    for one in value:
        if not one.startswith(("https://", "http://")) or not one.isprintable() or " " in one:
            raise ValueError(
                f"{one!r} is no address of a page; write one like https://example.org/privacy"
            )
    return value


class JoiningSettings(ConfigTable):
    """The table [joining]. The limits are numbers of requests; those beyond are not answered by mail."""

    enabled: bool = True
    # Whether one more mail asks for the confirmation, a day after the first.
    reminder: bool = True
    # Where the privacy notice is, for all or by language: the form links to it (GDPR, article 13).
    privacy: Annotated[LocalisedText, AfterValidator(_web_addresses)] | None = None
    # In a day. Addresses that differ by +tag only count as one.
    per_address: int = Field(default=3, ge=1)
    # In an hour, each. The largest webmail services have no limit as a domain.
    per_domain: int = Field(default=200, ge=1)
    # /24 of IPv4, /64 of IPv6.
    per_network: int = Field(default=10, ge=1)
    # /48 of IPv6.
    per_site: int = Field(default=50, ge=1)
    in_all: int = Field(default=100, ge=1)
    # Requests in an hour. Above it, the form asks for a proof of work.
    proof_of_work_above: int = Field(default=50, ge=0)
    # Confirmations stop when too many bounce. Those of before this time are not counted.
    bounces_count_from: AwareDatetime | None = None
