"""What a mail uses and large mail clients don't support (caniemail.com).

Checked are Gmail, Outlook, Apple Mail and Yahoo. `ACCEPTED_FEATURES` lists what a mail may use
all the same, each with a reason.
"""

from collections.abc import Iterator
from functools import lru_cache

from publisher.gate.findings import Finding, Rule, html_warning
from publisher.gate.mail import CheckedMail, clip_text
from publisher.gate.mail_clients.caniemail import (
    CHECKED_CLIENTS,
    ClientFeature,
    Support,
    client_feature,
    client_names,
    used_features,
)
from publisher.i18n.messages import message, untranslated

# caniemail's note on hundreds of features: in Gmail's apps, mail of accounts of other providers
# has no <style> and few properties. It must be readable there, not more.
_FOREIGN_ACCOUNTS = "non google accounts"

# Features that a mail may use: it is good without them, or another rule checks them.
ACCEPTED_FEATURES = {
    "css-at-import": "checked by style-import",
    "css-at-media": "clients that skip it show the wide layout, which is fluid",
    "css-at-media-prefers-color-scheme": "clients that skip it have colours of their own",
    "css-at-media-prefers-reduced-motion": "only removes motion",
    "css-at-media-hover": "touch screens have nothing to hover with",
    "css-border": "a border over 8 px is rare; `border` on cells is supported everywhere",
    "css-border-radius": "corners are square",
    "css-border-spacing": "Outlook uses cellspacing; checked by table-spacing",
    "css-box-shadow": "a box is flat",
    "css-color-scheme": "only says that there are dark colours",
    "css-cursor": "a pointer looks different",
    "css-direction": "Gmail for the mobile web reverses whole mails; dir is there as well",
    "css-display-none": "hides nothing that must stay hidden; checked by preheader-hidden",
    "css-font-size": "only rem is not supported; css-unit-rem finds it",
    "css-font-weight": "weights become normal or bold",
    "css-height": "Outlook takes it on cells, where it makes room",
    "css-important": "checked by important-form",
    "css-letter-spacing": "spacing differs a little",
    "css-line-height": "checked by line-height-rule",
    "css-linear-gradient": "its colour is there without it; checked by background-colour",
    "css-background-image": "checked by background-colour",
    "css-background-position": "goes with a background image",
    "css-background-repeat": "goes with a background image",
    "css-background-size": "goes with a background image",
    "css-background": "its colour is supported everywhere; the rest is checked by background-colour",
    "css-margin": "checked by margin-auto, margin-negative and margin-place",
    "css-max-height": "nothing is cut off, and all is seen",
    "css-max-width": "checked by column-outlook",
    "css-opacity": "what is faded is seen in full",
    "css-outline": "only shows where the keyboard is",
    "css-overflow-wrap": "checked by long-word",
    "css-word-wrap": "checked by long-word",
    "css-word-break": "checked by long-word",
    "css-overflow": "nothing is cut off, and all is seen",
    "css-padding": "checked by padding-place",
    "css-pseudo-class-active": "only shows a state",
    "css-pseudo-class-focus": "only shows a state",
    "css-pseudo-class-hover": "only shows a state",
    "css-pseudo-class-link": "style attributes have it as well",
    "css-pseudo-class-visited": "only shows a state",
    "css-rgb": "checked by colour-form",
    "css-rgba": "checked by colour-form",
    "css-modern-color": "checked by colour-form",
    "css-selector-attribute": "checked by style-risk",
    "css-sytem-ui": "another font of the list is taken",
    "css-text-align": "checked by align-start",
    "css-text-decoration": "underlines are supported everywhere",
    "css-text-shadow": "letters are flat",
    "css-transition": "changes are immediate",
    "css-white-space": "lines break in other places",
    "css-width": "supported on cells and tables everywhere; the rest is checked by width-fixed",
    "html-align": "Apple Mail takes left and right on cells",
    "html-aria-hidden": "a decoration is read aloud",
    "html-aria-label": "the link's own text is read",
    "html-background": "checked by background-colour",
    "html-body": "checked by wrapper",
    "html-dir": "buggy on links in Outlook, and right in all others",
    "html-height": "only images on screens of 120 dpi; checked by office-dpi",
    "html-width": "only images on screens of 120 dpi; checked by office-dpi",
    "html-lang": "Yahoo takes it on all but cells",
    "html-lists": "only `reversed` and `value` are not supported",
    "html-loading-attribute": "images are loaded at once",
    "html-role": "Yahoo takes it on tables, where it counts",
    "html-srcset": "src is shown",
    "html-style": "checked by style-place and style-size, and styles are inlined",
    "html-target": "links open in a new window anyway",
    "html-wbr": "a word is not broken there",
    "image-gif": "Outlook shows the first frame of an animation",
}

_HTML = html_warning(
    code="html-support",
    fix="use an element or attribute that all clients support, or see that nothing is lost",
    why="A large mail client does not support it (caniemail.com).",
)
_CSS = html_warning(
    code="css-support",
    fix="do it with tables and attributes, or see that nothing is lost",
    why="A large mail client does not support it (caniemail.com).",
)
_IMAGE = html_warning(
    code="image-support",
    fix="serve the image as PNG, JPEG or GIF",
    why="A large mail client does not show images of that kind (caniemail.com).",
)
_PARTLY = html_warning(
    code="partial-support",
    fix="see whether the note is about what the mail does",
    why="A large mail client supports it in part (caniemail.com).",
)
RULES = (_HTML, _CSS, _IMAGE, _PARTLY)
_BY_CATEGORY = {"html": _HTML, "css": _CSS, "image": _IMAGE}


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare each feature that a mail uses with what clients support."""
    for use in used_features(mail.document):
        for rule, problem, clients in _problems(use.slug, use.within, use.is_for_outlook):
            yield rule.finding(problem, where=use.where, line=use.line, clients=clients)


@lru_cache(maxsize=1024)
def _problems(
    slug: str, within: tuple[str, ...], is_for_outlook: bool
) -> list[tuple[Rule, str, tuple[str, ...]]]:
    feature = client_feature(slug)
    if slug in ACCEPTED_FEATURES or feature.category not in _BY_CATEGORY:
        return []
    lacking = [
        client
        for client in _clients_that_meet(within, is_for_outlook)
        if feature.support[client] in {Support.NO, Support.PARTLY}
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
            rule = _PARTLY if support == Support.PARTLY else _BY_CATEGORY[feature.category]
            names = tuple([client_names()[client] for client in clients])
            found.append((rule, _problem(feature, support, clients[0]), names))
    return found


def _clients_that_meet(within: tuple[str, ...], is_for_outlook: bool) -> list[str]:
    """Return the clients that don't skip what is around a use."""
    skipping: set[str] = set()
    for slug in within:
        skipping |= _clients_without(slug)
    clients = [client for client in CHECKED_CLIENTS if client not in skipping]
    return [one for one in clients if one.startswith("outlook.")] if is_for_outlook else clients


@lru_cache(maxsize=256)
def _clients_without(slug: str) -> frozenset[str]:
    support = client_feature(slug).support
    return frozenset([client for client in CHECKED_CLIENTS if support[client] == Support.NO])


def _is_about_foreign_accounts(notes: list[str]) -> bool:
    return bool(notes) and all(_FOREIGN_ACCOUNTS in note.lower() for note in notes)


def _problem(feature: ClientFeature, support: Support, client: str) -> str:
    problem = message("%(title)s is not supported", title=feature.title)
    if support == Support.PARTLY:
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
