"""What came out of a replay, as Markdown: one table by rule and language, and one of all issues."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from publisher.translations.delays import summarise_lags
from tools.translation_replay.replay import Dates, Played

_DUE = time(13, tzinfo=UTC)


def summary_table(dates: Dates, played: Mapping[str, Played]) -> list[str]:
    """Return a row for each language and rule.

    An issue counts for the story of its own date. The delay is from the hour of that issue to when the story
    went out, in whatever language.
    """
    heads = (
        *("language", "rule", "stories", "issue on time", "issue later", "no issue"),
        *("in its own issue and language", "later, in its language", "in English"),
        *("median delay", "95 % within"),
    )
    lines = _head(heads)
    for language in sorted({one for one, _day in dates}):
        days = [day for tag, day in dates if tag == language]
        for rule, sent in played.items():
            lines.append(_row(language, rule, *_counts(language, days, sent)))
    return lines


def full_table(dates: Dates, played: Mapping[str, Played]) -> list[str]:
    """Return a row for each story and language: when it was translated, and went out by each rule."""
    lines = _head(("issue", "language", "translated", *played))
    for language, day in sorted(dates, key=lambda one: (one[1], one[0])):
        cells = (_when(language, day, sent) for sent in played.values())
        lines.append(_row(day.isoformat(), language, _short(dates[language, day]), *cells))
    return lines


def _counts(language: str, days: Sequence[date], sent: Played) -> Iterator[str]:
    found = {day: sent[language, day] for day in days if (language, day) in sent}
    of_issue = {one.issue: one.at for (tag, _day), one in sent.items() if tag == language}
    made = [of_issue[day] - _due(day) for day in days if day in of_issue]
    own = [day for day, one in found.items() if one.language == language]
    in_time = [day for day in own if found[day].issue == day]
    yield str(len(days))
    yield str(sum(late == timedelta() for late in made))
    yield str(sum(late > timedelta() for late in made))
    yield str(len(days) - len(made))
    yield str(len(in_time))
    yield str(len(own) - len(in_time))
    yield str(sum(one.language != language for one in found.values()))
    lag = summarise_lags(one.at - _due(day) for day, one in found.items())
    yield _span(lag.median)
    yield _span(lag.p95)


def _due(day: date) -> datetime:
    return datetime.combine(day, _DUE)


def _when(language: str, day: date, sent: Played) -> str:
    one = sent.get((language, day))
    if one is None:
        return "never"
    what = "" if one.language == language else f" ({one.language})"
    return f"{_short(one.at.date())}{what}"


def _short(day: date) -> str:
    return f"{day:%d %b}"


def _span(span: timedelta | None) -> str:
    if span is None:
        return ""
    hours = span / timedelta(hours=1)
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d"


def _head(words: Sequence[str]) -> list[str]:
    return [_row(*words), "|" + "---|" * len(words)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
