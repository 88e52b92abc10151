"""What the large mail programs don't know, of what a mail uses (caniemail.com).

Judged are Gmail, Outlook, Apple Mail and Yahoo. What a mail is good without is written down
here, each with its reason. Knows no element.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import clip_text, page
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import JUDGED, Data, Feature, Support, Verdict, load
from publisher.gate.mail_clients.features import Use, used

# Said of hundreds of features: Gmail's apps show mail of other accounts without <style> and
# with few properties. Who reads it so has chosen an odd program; the mail must only be readable.
FOREIGN_ACCOUNTS = "non google accounts"

# What a mail is good without, or what another check looks after.
ACCEPTED = {
    "css-at-import": "style-import looks after it",
    "css-at-media": "programs that skip it show the wide layout, which is fluid",
    "css-at-media-prefers-color-scheme": "programs that skip it have colours of their own",
    "css-at-media-prefers-reduced-motion": "only takes motion away",
    "css-at-media-hover": "touch screens have nothing to hover with",
    "css-border": "a border over 8 px is rare; `border` on cells is sound everywhere",
    "css-border-radius": "corners are square",
    "css-border-spacing": "Outlook takes cellspacing, which table-spacing asks for",
    "css-box-shadow": "a box is flat",
    "css-color-scheme": "says only that there are dark colours",
    "css-cursor": "a pointer looks otherwise",
    "css-direction": "Gmail for the mobile web turns whole mails round; dir is said as well",
    "css-display-none": "hides nothing that may not be seen; preheader-hidden looks after it",
    "css-font-size": "rem alone is not known, which css-unit-rem says",
    "css-font-weight": "weights become normal or bold",
    "css-height": "Outlook takes it on cells, where it makes room",
    "css-important": "important-form looks after it",
    "css-letter-spacing": "spacing differs a little",
    "css-line-height": "line-height-rule looks after it",
    "css-linear-gradient": "its colour is there without it; background-colour looks after it",
    "css-background-image": "background-colour looks after it",
    "css-background-position": "goes with a background picture",
    "css-background-repeat": "goes with a background picture",
    "css-background-size": "goes with a background picture",
    "css-background": "its colour is known everywhere; background-colour looks after the rest",
    "css-margin": "margin-auto, margin-negative and margin-place look after it",
    "css-max-height": "nothing is cut off, and all is seen",
    "css-max-width": "column-outlook looks after it",
    "css-opacity": "what is faded is seen in full",
    "css-outline": "only shows where the keyboard is",
    "css-overflow-wrap": "long-word looks after it",
    "css-word-wrap": "long-word looks after it",
    "css-word-break": "long-word looks after it",
    "css-overflow": "nothing is cut off, and all is seen",
    "css-padding": "padding-place looks after it",
    "css-pseudo-class-active": "only shows a state",
    "css-pseudo-class-focus": "only shows a state",
    "css-pseudo-class-hover": "only shows a state",
    "css-pseudo-class-link": "style attributes say it as well",
    "css-pseudo-class-visited": "only shows a state",
    "css-rgb": "colour-form looks after it",
    "css-rgba": "colour-form looks after it",
    "css-modern-color": "colour-form looks after it",
    "css-selector-attribute": "style-risk looks after it",
    "css-sytem-ui": "another font of the list is taken",
    "css-text-align": "align-start looks after it",
    "css-text-decoration": "underlines are known everywhere",
    "css-text-shadow": "letters are flat",
    "css-transition": "changes come at once",
    "css-white-space": "lines break where they would not",
    "css-width": "on cells and tables it is known everywhere; width-fixed looks after the rest",
    "html-align": "Apple Mail takes left and right on cells",
    "html-aria-hidden": "a decoration is read aloud",
    "html-aria-label": "the link's own text is read",
    "html-background": "background-colour looks after it",
    "html-body": "wrapper looks after it",
    "html-dir": "buggy on links in Outlook, and right in all others",
    "html-height": "only pictures on screens of 120 dpi; office-dpi looks after it",
    "html-width": "only pictures on screens of 120 dpi; office-dpi looks after it",
    "html-lang": "Yahoo takes it on all but cells",
    "html-lists": "only `reversed` and `value` are not known",
    "html-loading-attribute": "pictures are loaded at once",
    "html-role": "Yahoo takes it on tables, where it counts",
    "html-srcset": "src is shown",
    "html-style": "style-place and style-size look after it, and styles are inlined",
    "html-target": "links open in a new window anyway",
    "html-wbr": "a word is not broken there",
    "image-gif": "Outlook shows the first picture of an animation",
}

HTML = Rule(
    code="html-support",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="use an element or attribute that all programs know, or see that nothing is lost",
    why="A large mail program does not know it (caniemail.com).",
)
CSS = Rule(
    code="css-support",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="do it with tables and attributes, or see that nothing is lost",
    why="A large mail program does not know it (caniemail.com).",
)
IMAGE = Rule(
    code="image-support",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="serve the picture as PNG, JPEG or GIF",
    why="A large mail program shows no picture of that kind (caniemail.com).",
)
PARTLY = Rule(
    code="partial-support",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="see whether the note is about what the mail does",
    why="A large mail program knows it in part (caniemail.com).",
)
RULES = (HTML, CSS, IMAGE, PARTLY)
BY_CATEGORY = {"html": HTML, "css": CSS, "image": IMAGE}


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare each feature that a mail uses with what programs know."""
    data = load()
    for use in used(page(mail)):
        feature = data.features[use.slug]
        if use.slug in ACCEPTED or feature.category not in BY_CATEGORY:
            continue
        for support in (Support.NO, Support.PARTLY):
            if clients := _suffering(use, feature, support, data):
                yield _finding(use, feature, support, clients, data)


def _suffering(use: Use, feature: Feature, support: Support, data: Data) -> tuple[str, ...]:
    """List the programs that meet a use and do with it what `support` says."""
    around = [data.features[slug].verdicts for slug in use.within if slug in data.features]
    return tuple(
        client
        for client in JUDGED
        if feature.verdicts[client].support == support
        and not _only_foreign(feature, feature.verdicts[client])
        and not any(verdicts[client].support == Support.NO for verdicts in around)
        and (not use.outlook_only or client.startswith("outlook."))
    )


def _only_foreign(feature: Feature, verdict: Verdict) -> bool:
    notes = [feature.notes.get(number, "") for number in verdict.notes]
    return bool(notes) and all(FOREIGN_ACCOUNTS in note.lower() for note in notes)


def _finding(
    use: Use, feature: Feature, support: Support, clients: tuple[str, ...], data: Data
) -> Finding:
    partly = support == Support.PARTLY
    rule = PARTLY if partly else BY_CATEGORY[feature.category]
    numbers = feature.verdicts[clients[0]].notes
    notes = " ".join(feature.notes.get(number, "") for number in numbers[:1] if partly)
    said = f": {clip_text(notes, 120)}" if notes else ""
    known = "known in part" if partly else "not known"
    return rule.broken(
        f"{feature.title} is {known}{said} ({feature.slug}, tested {feature.tested[:7]})",
        where=use.where,
        line=use.line,
        clients=tuple(data.names[client] for client in clients),
    )
