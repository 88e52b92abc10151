"""The order of a digest: lead, further stories by section, a quotation, short notes. Pure.

Knows no template; a plan says how much of each story is told, and this says where it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.articles.model import Article
from publisher.rendering.model import IssueContent
from publisher.rendering.stories import DigestStory, StoryLength, StorySource

# The lead is the first story, or one just behind it that has a picture to show.
_LEAD_CANDIDATES = 3
# A quotation that is longer is a text of its own, one that is shorter says nothing.
_QUOTATION_CHARACTERS = range(20, 281)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryGroup:
    """Stories that stand together; `title` is their section's in its language, None for none."""

    title: str | None
    language: str
    stories: tuple[DigestStory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """Words that an article quotes, and where they are from."""

    text: str
    language: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLayout:
    """Everything that a digest tells, in order; `stories` are all of them, as they come.

    `by_section` says that groups have titles, so that a story need not name its own.
    """

    lead: DigestStory
    groups: tuple[StoryGroup, ...]
    quotation: Quotation | None
    notes: tuple[DigestStory, ...]
    by_section: bool

    @property
    def further(self) -> tuple[DigestStory, ...]:
        """The stories between the lead and the notes."""
        return tuple(shown for group in self.groups for shown in group.stories)

    @property
    def stories(self) -> tuple[DigestStory, ...]:
        """Every story once, as the mail has them."""
        return (self.lead, *self.further, *self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryOrder:
    """The items of an issue in the order of a digest, before it is decided how they are told."""

    lead: StorySource
    further: tuple[StorySource, ...]
    notes: tuple[StorySource, ...]
    quotation: Quotation | None


def order_stories(content: IssueContent) -> StoryOrder:
    """Choose the lead, and set short notes and a quotation apart where the newsletter has them."""
    sources = [StorySource(item, content.house) for item in content.items]
    noted = [s for s in sources if s.is_note] if "notes" in content.blocks else []
    told = [source for source in sources if source not in noted]
    if not told:
        told, noted = noted[:1], noted[1:]
    lead = _lead(told, content.house.language)
    return StoryOrder(
        lead=lead,
        further=tuple(source for source in told if source is not lead),
        notes=tuple(noted),
        quotation=_quotation(told) if "quotation" in content.blocks else None,
    )


def _lead(sources: Sequence[StorySource], language: str) -> StorySource:
    own = [s for s in sources if s.item.article.language == language] or list(sources)
    pictured = (source for source in own[:_LEAD_CANDIDATES] if source.picture)
    return next(pictured, own[0])


def _quotation(sources: Sequence[StorySource]) -> Quotation | None:
    for source in sources:
        for text in source.prose.quotations:
            if len(text) in _QUOTATION_CHARACTERS:
                article: Article = source.item.article
                return Quotation(
                    text=text,
                    language=article.language,
                    title=source.title,
                    url=source.item.url,
                )
    return None


def lay_out(ordered: StoryOrder, shapes: Sequence[StoryLength]) -> DigestLayout:
    """Lay out the first so many items of an order, each in its shape.

    `shapes` go along with lead, further stories and notes; what has none is left out.
    """
    first_note = 1 + len(ordered.further)
    further = ordered.further[: len(shapes) - 1]
    by_section = _worth_grouping(further)
    told = [
        source.tell(shape, 3 if by_section and _section(source) else 2)
        for source, shape in zip(further, shapes[1:], strict=False)
    ]
    notes = zip(ordered.notes, shapes[first_note:], strict=False)
    return DigestLayout(
        lead=ordered.lead.tell(shapes[0]),
        groups=tuple(_grouped(told)) if by_section else _one_group(told),
        quotation=ordered.quotation,
        notes=tuple(source.tell(shape, 3) for source, shape in notes),
        by_section=by_section,
    )


def _section(told: StorySource | DigestStory) -> tuple[str, str] | None:
    article = told.item.article
    return (article.language, article.section) if article.section else None


def _worth_grouping(stories: Sequence[StorySource]) -> bool:
    """Say if some section has several stories; else each names its own, and no order is lost."""
    counted = Counter(section for story in stories if (section := _section(story)))
    return max(counted.values(), default=0) > 1


def _grouped(stories: Sequence[DigestStory]) -> Iterator[StoryGroup]:
    """Group by section, in the order in which each first appears; those without come first."""
    groups: dict[tuple[str, str] | None, list[DigestStory]] = {None: []}
    for shown in stories:
        groups.setdefault(_section(shown), []).append(shown)
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
