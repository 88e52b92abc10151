"""`python -m tools.site_measure SITE`: publish a site in a temporary folder, and measure what arrived.

Prints one table. The exit code is 1 if an aim is missed. With `--examples`, what failed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.site_measure.generators import detected_generator, expected_articles
from tools.site_measure.measures import Measure, measure
from tools.site_measure.published import publish, read_published


def main(arguments: list[str]) -> int:
    """Measure one site."""
    parser = argparse.ArgumentParser(prog="python -m tools.site_measure")
    parser.add_argument("site", type=Path)
    parser.add_argument("--generator", default="auto")
    parser.add_argument("--url", help="where the site stands, if it does not say so")
    parser.add_argument(
        "--examples", type=int, default=0, metavar="N", help="show N failures each"
    )
    parser.add_argument(
        "--published", type=Path, help="a publication that was made of the site"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measures = measured(chosen.site, Path(folder), chosen)
    _print(measures, chosen.examples)
    return 0 if all(one.is_met for one in measures) else 1


def measured(site: Path, folder: Path, chosen: argparse.Namespace) -> list[Measure]:
    """Return the measures of a site, published below a folder or where it was published."""
    generator = detected_generator(site) if chosen.generator == "auto" else chosen.generator
    expected = expected_articles(site, generator)
    made = (
        read_published(chosen.published, chosen.url or "")
        if chosen.published
        else publish(site.resolve(), folder / "publication", chosen.url)
    )
    return measure(expected, made, site)


def _print(measures: list[Measure], examples: int) -> None:
    table = Table("measure", "found", "expected", "percent", "aim", "ok")
    for one in measures:
        aim = f"{'at most' if one.at_most else 'at least'} {one.aim:g} %"
        found, expected = f"{one.found:,}", f"{one.expected:,}"
        table.add_row(
            one.name, found, expected, f"{one.percent:.1f}", aim, "yes" if one.is_met else "NO"
        )
    console = Console(soft_wrap=True, markup=False)
    console.print(table)
    for one in measures:
        for what in one.failed[:examples]:
            console.print(f"{one.name}: {what}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
