"""What a mail uses and large mail clients don't support (caniemail.com).

Checked are Gmail, Outlook, Apple Mail and Yahoo. `accepted_features.toml` lists what a mail may
use all the same, each with a reason.
"""

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, clip_text, finding_of
from publisher.gate.mail_clients import caniemail
from publisher.i18n.messages import message, untranslated

# caniemail's note on hundreds of features: in Gmail's apps, mail of accounts of other providers
# has no <style> and few properties. It must be readable there, not more.
_FOREIGN_ACCOUNTS = "non google accounts"

# Features that a mail may use although not all clients support them, each with the reason.
ACCEPTED_FEATURES: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("accepted_features.toml").read_text(encoding="utf-8")
)

_BY_CATEGORY = {"html": "html-support", "css": "css-support", "image": "image-support"}


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare each feature that a mail uses with what clients support."""
    for use in caniemail.used_features(mail.document):
        for code, problem, clients in _problems(use.slug, use.within, use.is_for_outlook):
            yield finding_of(code, use.where, problem, line=use.line, clients=clients)


@lru_cache(maxsize=1024)
def _problems(
    slug: str, within: tuple[str, ...], is_for_outlook: bool
) -> list[tuple[str, str, tuple[str, ...]]]:
    feature = caniemail.client_feature(slug)
    if slug in ACCEPTED_FEATURES or feature.category not in _BY_CATEGORY:
        return []
    lacking = [
        client
        for client in _clients_that_meet(within, is_for_outlook)
        if feature.support[client] in {caniemail.Support.NO, caniemail.Support.PARTLY}
    ]
    affected = {
        client: feature.support[client]
        for client in lacking
        if not _is_about_foreign_accounts(feature.notes_for(client))
    }
    found = []
    for support in sorted(set(affected.values()), reverse=True):  # "n" before "a"
        clients = [client for client, result in affected.items() if result == support]
        if clients:
            code = (
                "partial-support"
                if support == caniemail.Support.PARTLY
                else _BY_CATEGORY[feature.category]
            )
            names = tuple([caniemail.client_names()[client] for client in clients])
            found.append((code, _problem(feature, support, clients[0]), names))
    return found


def _clients_that_meet(within: tuple[str, ...], is_for_outlook: bool) -> list[str]:
    """Return the clients that don't skip what is around a use."""
    skipping: set[str] = set()
    for slug in within:
        skipping |= _clients_without(slug)
    clients = [client for client in caniemail.CHECKED_CLIENTS if client not in skipping]
    return [one for one in clients if one.startswith("outlook.")] if is_for_outlook else clients


@lru_cache(maxsize=256)
def _clients_without(slug: str) -> frozenset[str]:
    support = caniemail.client_feature(slug).support
    return frozenset(
        [
            client
            for client in caniemail.CHECKED_CLIENTS
            if support[client] == caniemail.Support.NO
        ]
    )


def _is_about_foreign_accounts(notes: list[str]) -> bool:
    return bool(notes) and all(_FOREIGN_ACCOUNTS in note.lower() for note in notes)


def _problem(feature: caniemail.ClientFeature, support: caniemail.Support, client: str) -> str:
    problem = message("%(title)s is not supported", title=feature.title)
    if support == caniemail.Support.PARTLY:
        problem = message("%(title)s is supported in part", title=feature.title)
        if note := next(iter(feature.notes_for(client)), ""):
            words = untranslated(clip_text(note, 120))
            problem = message("%(sentence)s: %(words)s", sentence=problem, words=words)
    tested = feature.tested[:7]
    return message(
        "%(problem)s (%(slug)s, tested %(tested)s)",
        problem=problem,
        slug=feature.slug,
        tested=tested,
    )
