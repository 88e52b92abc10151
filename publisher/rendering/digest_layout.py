"""The layout of a digest: lead, further stories by section, a quotation, short notes. Pure.

How long each story is comes from a plan (`publisher.rendering.digest`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.rendering.digest_stories import DigestStory, StoryLength, StorySource
from publisher.rendering.model import IssueContent

# The lead is the first of so many stories that has a picture, or else the first.
_LEAD_CANDIDATES = 3
# A longer quotation is a text of its own, a shorter one says nothing.
QUOTATION_CHARACTERS = range(20, 281)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryGroup:
    """Stories of one section; `title` is the section's in its language, None for none."""

    title: str | None
    language: str
    stories: tuple[DigestStory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A quotation from an article, with the article's title and address."""

    text: str
    language: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLayout:
    """The stories of a digest in order; templates get it as `digest`.

    `by_section` says that groups have titles, so that a story need not name its section.
    """

    lead: DigestStory
    groups: tuple[StoryGroup, ...]
    quotation: Quotation | None
    notes: tuple[DigestStory, ...]
    by_section: bool

    @property
    def further(self) -> tuple[DigestStory, ...]:
        """The stories between the lead and the notes."""
        return tuple(story for group in self.groups for story in group.stories)

    @property
    def stories(self) -> tuple[DigestStory, ...]:
        """All stories in order."""
        return (self.lead, *self.further, *self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryOrder:
    """The articles of an issue in the order of a digest, before their lengths are decided.

    `pictures` says which stories show their picture: the `lead`, `all` or `none`.
    """

    lead: StorySource
    further: tuple[StorySource, ...]
    notes: tuple[StorySource, ...]
    quotation: Quotation | None
    pictures: str

    def has_picture(self, source: StorySource) -> bool:
        """Return whether a story shows its picture. Short notes show none."""
        if self.pictures == "all":
            return source not in self.notes
        return self.pictures == "lead" and source is self.lead

    @property
    def sources(self) -> tuple[StorySource, ...]:
        """All articles in order."""
        return (self.lead, *self.further, *self.notes)


def order_stories(content: IssueContent) -> StoryOrder:
    """Choose the lead, and set apart short notes and a quotation if the newsletter has them."""
    sources = [StorySource(item, content.publication) for item in content.items]
    notes = [s for s in sources if s.is_note] if "notes" in content.blocks else []
    stories = [source for source in sources if source not in notes]
    if not stories:
        stories, notes = notes[:1], notes[1:]
    lead = _choose_lead(stories, content.publication.language, content.pictures != "none")
    return StoryOrder(
        lead=lead,
        further=tuple(source for source in stories if source is not lead),
        notes=tuple(notes),
        quotation=_quotation(content, stories),
        pictures=content.pictures,
    )


def _choose_lead(
    sources: Sequence[StorySource], language: str, has_picture: bool
) -> StorySource:
    own = [s for s in sources if s.item.article.language == language] or list(sources)
    with_picture = (source for source in own[:_LEAD_CANDIDATES] if source.picture)
    return next(with_picture, own[0]) if has_picture else own[0]


def _quotation(content: IssueContent, sources: Sequence[StorySource]) -> Quotation | None:
    """Return what editors chose to quote, or else a quotation if the newsletter has them."""
    if content.quoted is None:
        return _choose_quotation(sources) if "quotation" in content.blocks else None
    story, text = content.quoted
    found = (source for source in sources if source.item.article.story_id == story)
    source = next(found, None)
    return _quoted(source, text) if source and text else None


def _quoted(source: StorySource, text: str) -> Quotation:
    language, url = source.item.article.language, source.item.url
    return Quotation(text=text, language=language, title=source.title, url=url)


def _choose_quotation(sources: Sequence[StorySource]) -> Quotation | None:
    for source in sources:
        for text in source.content.quotations:
            if len(text) in QUOTATION_CHARACTERS:
                return _quoted(source, text)
    return None


def lay_out(ordered: StoryOrder, lengths: Sequence[StoryLength]) -> DigestLayout:
    """Lay out the first so many articles of an order, each at its length."""
    first_note = 1 + len(ordered.further)
    further = ordered.further[: len(lengths) - 1]
    by_section = _is_worth_grouping(further)
    stories = [
        source.at_length(
            length,
            3 if by_section and _section(source) else 2,
            has_picture=ordered.has_picture(source),
        )
        for source, length in zip(further, lengths[1:], strict=False)
    ]
    notes = zip(ordered.notes, lengths[first_note:], strict=False)
    return DigestLayout(
        lead=ordered.lead.at_length(lengths[0], has_picture=ordered.has_picture(ordered.lead)),
        groups=tuple(_by_section(stories)) if by_section else _one_group(stories),
        quotation=ordered.quotation,
        notes=tuple(source.at_length(length, 3, has_picture=False) for source, length in notes),
        by_section=by_section,
    )


def _section(story: StorySource | DigestStory) -> tuple[str, str] | None:
    article = story.item.article
    return (article.language, article.section) if article.section else None


def _is_worth_grouping(stories: Sequence[StorySource]) -> bool:
    """Return whether some section has several stories; if not, their order is kept."""
    counted = Counter(section for story in stories if (section := _section(story)))
    return max(counted.values(), default=0) > 1


def _by_section(stories: Sequence[DigestStory]) -> Iterator[StoryGroup]:
    """Group by section in order of first appearance; stories without one come first."""
    groups: dict[tuple[str, str] | None, list[DigestStory]] = {None: []}
    for story in stories:
        groups.setdefault(_section(story), []).append(story)
    for section, members in groups.items():
        if members:
            yield StoryGroup(
                title=section[1] if section else None,
                language=members[0].item.article.language,
                stories=tuple(members),
            )


def _one_group(stories: Sequence[DigestStory]) -> tuple[StoryGroup, ...]:
    if not stories:
        return ()
    return (StoryGroup(title=None, language="", stories=tuple(stories)),)
