"""What can be wrong with an article: the kinds of problems, what each means, and what to do.

A problem is a value. Parsers, the sanitiser and sites return problems together with what they
made; `publisher.ingest.problems` decides which of them hold an article back and stores them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ProblemKind(StrEnum):
    """The kind of a problem, as it is stored, listed and named in `[source.problems]`."""

    EMPTY_VALUE = "empty-value"
    TEMPLATE_LEFTOVER = "template-leftover"
    TEMPLATE_ERROR = "template-error"
    MISSING_INCLUDE = "missing-include"
    UNKNOWN_TAG = "unknown-tag"
    UNKNOWN_SHORTCODE = "unknown-shortcode"
    UNKNOWN_COMPONENT = "unknown-component"
    MISSING_PICTURE = "missing-picture"
    UNSUPPORTED_PICTURE = "unsupported-picture"
    PICTURE_WITHOUT_ALT = "picture-without-alt"
    MISSING_ATTACHMENT = "missing-attachment"
    UNDEFINED_REFERENCE = "undefined-reference"
    BROKEN_LINK = "broken-link"
    DEAD_LINK = "dead-link"
    UNPUBLISHED_PAGE = "unpublished-page"
    UNCOPIED_FILE = "uncopied-file"
    REMOVED_LINK = "removed-link"
    LOST_ADDRESS = "lost-address"
    REMOVED_FRAME = "removed-frame"
    REMOVED_ELEMENT = "removed-element"
    UNDATED = "undated"
    UNLINKED_TRANSLATION = "unlinked-translation"
    UNKNOWN_FIELD = "unknown-field"
    OTHER_LANGUAGE = "other-language"
    # The program adds these two itself.
    NO_ARTICLE = "no-article"
    MORE_PROBLEMS = "more-problems"


class ProblemAction(StrEnum):
    """What a problem leads to: the article is held back, the problem is listed, or nothing."""

    HOLD = "hold"
    REPORT = "report"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class ArticleProblem:
    """One problem of one document.

    `line` counts from 1 in the file, None if it is not known. `what` is the value that is wrong,
    with some words around it where the line is not known.
    """

    kind: ProblemKind
    line: int | None
    what: str


class ProblemText(NamedTuple):
    """What a kind means for readers, what to do about it, and what it leads to by default."""

    meaning: str
    remedy: str
    action: ProblemAction = ProblemAction.REPORT


PROBLEM_TEXTS: dict[ProblemKind, ProblemText] = {
    ProblemKind.EMPTY_VALUE: ProblemText(
        "a value could not be filled in, so the text has a hole there",
        "write the value out, or define it in the file or in the site's data",
        ProblemAction.HOLD,
    ),
    ProblemKind.TEMPLATE_LEFTOVER: ProblemText(
        "template code would be shown to readers as it is",
        "write what it stands for, or put it into a code block",
        ProblemAction.HOLD,
    ),
    ProblemKind.TEMPLATE_ERROR: ProblemText(
        "template code could not be run, so what it makes is missing",
        "correct it, or write what it stands for",
        ProblemAction.HOLD,
    ),
    ProblemKind.MISSING_INCLUDE: ProblemText(
        "a file that the document includes was not found, so what is in it is missing",
        "put the file into the site's folder of includes, or write its text here",
    ),
    ProblemKind.UNKNOWN_TAG: ProblemText(
        "a template tag is not known, so only the text inside it was kept",
        "write what it stands for",
    ),
    ProblemKind.UNKNOWN_SHORTCODE: ProblemText(
        "a shortcode is not known, so only the text inside it was kept",
        "say in [source.shortcodes] what becomes of it",
    ),
    ProblemKind.UNKNOWN_COMPONENT: ProblemText(
        "a component is not known, so only the text inside it was kept",
        "write what it shows as Markdown",
    ),
    ProblemKind.MISSING_PICTURE: ProblemText(
        "a picture was not found, so its description was kept in its place",
        "put the file where the address says, or set `static` of the source",
    ),
    ProblemKind.UNSUPPORTED_PICTURE: ProblemText(
        "a picture can't be shown, so its description was kept in its place",
        "export it as PNG or JPEG",
    ),
    ProblemKind.PICTURE_WITHOUT_ALT: ProblemText(
        "a picture has no description, so people who don't see it miss what it shows",
        "describe it in a few words (`alt`)",
    ),
    ProblemKind.MISSING_ATTACHMENT: ProblemText(
        "an attachment was not found or can't be used, so it leads to the site's own address, or is left out",
        "put the file where the front matter says, or write its address (https://…)",
    ),
    ProblemKind.UNDEFINED_REFERENCE: ProblemText(
        "a link names a reference that is not defined, so only its text was kept",
        "define it: `[name]: https://…`",
    ),
    ProblemKind.BROKEN_LINK: ProblemText(
        "a link leads to a page that was not found, so only its text was kept",
        "correct the address",
    ),
    ProblemKind.DEAD_LINK: ProblemText(
        "a link leads to an address of the site at which neither a page nor a file was found",
        "correct the address, or put the file where it says",
    ),
    ProblemKind.UNPUBLISHED_PAGE: ProblemText(
        "a link leads to a page of the site that is not published here, at an address of this publication",
        "publish the page (`include`), or set `url` of the source to where the site stands and that of the publication to another address",
    ),
    ProblemKind.UNCOPIED_FILE: ProblemText(
        "a file that a link names is not copied, so the link leads to the site's own address, or is only its text",
        "do what the reason says, or write the file's whole address (https://…)",
    ),
    ProblemKind.REMOVED_LINK: ProblemText(
        "a link has no address that works in a mail, so only its text was kept",
        "write the whole address (https://…), or set `url` of the source",
    ),
    ProblemKind.LOST_ADDRESS: ProblemText(
        "an old address of the article does not lead to it",
        "give the article another `permalink` or alias, or remove it",
    ),
    ProblemKind.REMOVED_FRAME: ProblemText(
        "a frame with another page was removed: mails and feeds can't show it",
        "write a link to the page",
    ),
    ProblemKind.REMOVED_ELEMENT: ProblemText(
        "an element was removed with what is in it: mails and feeds can't show it",
        "write what it says as text, or use a picture",
    ),
    ProblemKind.UNDATED: ProblemText(
        "the document has no date, so it has the day on which it was first seen",
        "write `date: YYYY-MM-DD` in the front matter",
    ),
    ProblemKind.UNLINKED_TRANSLATION: ProblemText(
        "this looks like a translation of another document, and is not linked to it",
        "give both the same `key` in the front matter",
    ),
    ProblemKind.UNKNOWN_FIELD: ProblemText(
        "a key or a value in the front matter could not be read, and was left out",
        "correct it, or remove it",
    ),
    ProblemKind.OTHER_LANGUAGE: ProblemText(
        "a language is named that the publication does not have, or where it is not read",
        "correct the name, write one of its languages as `lang` in the front matter, or add the language to `languages` in publication.toml",
    ),
    ProblemKind.NO_ARTICLE: ProblemText(
        "the document could not be made into an article",
        "do what the reason says",
        ProblemAction.HOLD,
    ),
    ProblemKind.MORE_PROBLEMS: ProblemText(
        "the document has more problems than are listed", "correct those that are listed"
    ),
}
