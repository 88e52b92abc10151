"""Making a digest of twenty stories fit to be sent: rendered, inlined, and through the gate.

Stories are the demo's texts, in full and as summaries. The first mail of a process warms the
style sheets' cache; what is told is the second, as a service meets it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from rich.table import Table

from publisher.articles.model import Article
from publisher.assembly.gate_run import check_digest
from publisher.rendering import IssueContent, Renderer
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tools.bench.sizes import size

COLUMNS = ("render, ms", "gate, ms", "together, ms", "HTML, bytes")
STORIES = size(20, smallest=2)
PARAGRAPHS = 12
RUNS = size(3, smallest=1)

Made = TypeVar("Made")


def measure(table: Table) -> None:
    """Measure each language, told in full and by summaries."""
    renderer = Renderer()
    for language in ("en", "zh-Hans", "zh-Hant", "ar"):
        for content in ("summary", "full"):
            issue = replace(_issue(language), content=content)
            rendering, digest = _timed(partial(renderer.digest, issue))
            proving, proof = _timed(
                partial(check_digest, a_publication(), an_issue(language), digest)
            )
            errors = f", {len(proof.report.errors)} errors" if proof.report.errors else ""
            table.add_row(
                f"{language}, {STORIES} stories, {content}{errors}",
                f"{rendering:.0f}",
                f"{proving:.0f}",
                f"{rendering + proving:.0f}",
                f"{len(digest.html.encode()):,}",
            )


def _issue(language: str) -> IssueContent:
    items = []
    for number in range(STORIES):
        item = sample.item(language, number % len(sample.STORIES[language]))
        article: Article = item.article
        body = f"<p>{article.summary}</p>" * PARAGRAPHS
        items.append(
            replace(
                item,
                url=f"{item.url}{number}/",
                article=replace(
                    article,
                    title=f"{article.title} {number}",
                    html=body,
                    text=article.summary * PARAGRAPHS,
                ),
            )
        )
    return sample.issue(language, items=tuple(items))


def _timed(make: Callable[[], Made]) -> tuple[float, Made]:
    """Give the best time of some runs, in milliseconds, after one that is not counted."""
    made = make()
    best = float("inf")
    for _run in range(RUNS):
        start = time.perf_counter()
        made = make()
        best = min(best, time.perf_counter() - start)
    return 1000 * best, made
