"""`make bench`: measures what the documentation says of speed.

Prints tables and judges nothing, but for aims of `ledger --full`; figures depend on the machine. Names of modules of this package
choose among them: `python -m tools.bench writing`. With `--full`, a million subscribers are a
million; with `--smallest`, everything is as small as can be.
"""

import sys
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tools.bench import (
    archives,
    bounces,
    composing,
    console,
    copying,
    cycles,
    digests,
    importing,
    joining,
    ledger,
    million,
    planning,
    polling,
    sending,
    signing,
    sites,
    walk,
    web,
    weight,
    writing,
)

MEASURED: dict[str, ModuleType] = {
    "walk": walk,
    "writing": writing,
    "digests": digests,
    "composing": composing,
    "signing": signing,
    "sending": sending,
    "bounces": bounces,
    "ledger": ledger,
    "million": million,
    "planning": planning,
    "polling": polling,
    "copying": copying,
    "web": web,
    "console": console,
    "joining": joining,
    "importing": importing,
    "archives": archives,
    "cycles": cycles,
    "sites": sites,
    "weight": weight,
}


def main() -> None:
    """Measure and print. End with 1 if an aim was missed."""
    missed: list[str] = []
    terminal = Console(width=100)
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    for name in names or MEASURED:
        table = Table("What", *MEASURED[name].COLUMNS)
        missed += MEASURED[name].measure(table) or []
        terminal.print(table)
    if missed:
        sys.exit("\n".join(["Missed:", *missed]))


if __name__ == "__main__":
    main()
