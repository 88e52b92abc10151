"""Checks that the languages of a newsletter fit the publication and each other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from publisher.config.newsletters import EditionSettings, Newsletter
from publisher.config.policies import MissingPolicy
from publisher.config.values import SettingProblem


def language_problems(
    newsletter: Newsletter, languages: Sequence[str]
) -> Iterator[SettingProblem]:
    """Yield the problems. `languages` are those of the publication."""
    yield from _unknown_languages(newsletter, languages)
    served = newsletter.languages or languages
    for tag, terms in newsletter.edition.items():
        key = f"edition.{tag}"
        if tag not in served:
            remedy = f"add it to the newsletter's languages, or remove {key}"
            yield SettingProblem(key, f"the newsletter has no edition in {tag}", remedy)
        if terms.missing == MissingPolicy.CONVERT and not _can_be_converted(tag):
            remedy = "use skip or fallback; only Chinese is converted, between its scripts"
            yield SettingProblem(
                f"{key}.missing", f"nothing can be converted into {tag}", remedy
            )
        yield from _no_fallback(f"{key}.", terms, newsletter)
    yield from _no_fallback("", newsletter, newsletter)


def _can_be_converted(tag: str) -> bool:
    # Imports lxml, which commands without such an edition need not load.
    from publisher.languages.conversion import sources_of

    return bool(sources_of(tag))


def _unknown_languages(
    newsletter: Newsletter, languages: Sequence[str]
) -> Iterator[SettingProblem]:
    named = {
        "languages": newsletter.languages or (),
        "edition": tuple(newsletter.edition),
        "fallback": newsletter.fallback or (),
    }
    named |= {f"edition.{t}.fallback": e.fallback or () for t, e in newsletter.edition.items()}
    for key, tags in named.items():
        for tag in tags:
            if tag not in languages:
                yield SettingProblem(
                    key,
                    f"{tag} is not one of the publication's languages",
                    f"write one of {', '.join(languages)}, or add it to publication.languages",
                )


def _no_fallback(
    key: str, terms: EditionSettings, newsletter: Newsletter
) -> Iterator[SettingProblem]:
    if terms.missing == MissingPolicy.FALLBACK and not (terms.fallback or newsletter.fallback):
        yield SettingProblem(
            f"{key}missing",
            "falls back, but to which language",
            'add fallback = ["en"], the best language first',
        )
