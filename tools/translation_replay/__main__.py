"""`python -m tools.translation_replay SITE`: what editions would have sent when, by rule, as Markdown.

SITE has the newsletters of Bitcoin Optech of 2025, a folder for each language.
"""

import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tools.translation_replay.dates import approvals
from tools.translation_replay.replay import RULES, play
from tools.translation_replay.tables import full_table, summary_table


def main(arguments: list[str]) -> int:
    """Play all rules, and print both tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    (site,) = arguments
    dates, played = approvals(), {}
    with tempfile.TemporaryDirectory() as folder:
        for number, rule in enumerate(RULES):
            played[rule.name] = play(Path(site), dates, rule, Path(folder) / str(number))
    for line in (*summary_table(dates, played), "", *full_table(dates, played)):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
