"""people.toml: who is who among authors and translators, in each language. Pure.

Each table is a person, and its name the person's key: the last part of the address of the author's
feeds. Spellings are compared as feeds compare names: without regard to capitals.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from publisher.config import values


class Person(values.ConfigTable):
    """One table of people.toml. `url` is a page of the person's own."""

    name: values.LocalisedTitle
    # Other spellings of bylines.
    aliases: Annotated[
        tuple[str, ...],
        AfterValidator(values.require_lines),
        BeforeValidator(values.require_list),
    ] = ()
    affiliation: values.LocalisedTitle = values.Localised({"": ""})
    url: values.WebAddress | None = None
    languages: values.LanguageTags = ()


# Characters of a key: longer ones are no part of an address (`publisher.urls.story_slug`).
PersonKey = Annotated[values.UrlName, Field(max_length=80)]
people_tables = TypeAdapter(dict[PersonKey, Person])


@dataclass(frozen=True)
class People:
    """The known people, by their keys."""

    persons: Mapping[str, Person] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.persons)

    def key_of(self, name: str) -> str | None:
        """Return the key of the person whom a byline names by any spelling or the key, or None."""
        return self._keys.get(_folded(name)) if self.persons else None

    def name_in(self, language: str, name: str) -> str:
        """Return the name in a language of the person whom a byline names.

        A name stays as it is if nobody is known by it, or if the person has none in that language.
        """
        key = self.key_of(name)
        return (self.persons[key].name.matching(language) if key else None) or name

    def spellings(self, name: str) -> frozenset[str]:
        """Return all folded spellings of the person whom a byline names, or only its own."""
        key = self.key_of(name)
        return frozenset(_spellings(key, self.persons[key]) if key else [_folded(name)])

    def shared_spelling(self) -> tuple[str, str, str] | None:
        """Return the keys of two people and a spelling that both have, None if there is none."""
        first: dict[str, str] = {}
        for key, person in self.persons.items():
            for spelling in _spellings(key, person):
                if first.setdefault(spelling, key) != key:
                    return first[spelling], key, spelling
        return None

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        return {
            one: key for key, person in self.persons.items() for one in _spellings(key, person)
        }


def _spellings(key: str, person: Person) -> Iterator[str]:
    yield from map(_folded, (key, *person.name, *person.aliases))


def _folded(name: str) -> str:
    from feeds.normalisation import label  # commands without people.toml need no feeds

    return label(name).casefold()
