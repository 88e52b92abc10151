"""`make bench`: measures what the documentation says of speed.

Prints tables and judges nothing; figures depend on the machine. Names of modules of this package
choose among them: `python -m tests.bench writing`.
"""

import sys
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tests.bench import archives, cycles, digests, writing

MEASURED: dict[str, ModuleType] = {
    "writing": writing,
    "digests": digests,
    "archives": archives,
    "cycles": cycles,
}


def main() -> None:
    """Measure and print."""
    console = Console(width=100)
    for name in sys.argv[1:] or MEASURED:
        table = Table("What", *MEASURED[name].COLUMNS)
        MEASURED[name].measure(table)
        console.print(table)


if __name__ == "__main__":
    main()
