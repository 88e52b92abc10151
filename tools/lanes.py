"""Runs a lane of the tests, prints where its minutes went, and fails it if it took too many.

    python -m tools.lanes fast                  # or: slow, postgres, night-fast, ...
    python -m tools.lanes fast --update-list

The groups of a lane are runs of pytest beside each other; their reports are build/lanes/<group>.xml.
The fast lane also compares the tests that opened a database with two lists: tests/on_postgresql.txt
is what the lane `postgres` runs, and the tests of tests/on_postgresql_at_night.txt execute nothing
there that a few of the others don't.
"""

import argparse
import os
import resource
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table

from tests.sizes import NIGHT

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "build" / "lanes"
ON_POSTGRESQL = ROOT / "tests" / "on_postgresql.txt"
AT_NIGHT_ONLY = ROOT / "tests" / "on_postgresql_at_night.txt"
# The property of a report that says that a test opened a database, and the checksums of the statements
# that it executed there; tests/conftest.py sets it.
OPENED = "opened a database"
# Tests that execute each statement on PostgreSQL for each change, if there are so many.
TESTS_OF_A_STATEMENT = 3
# Seconds that a test takes on PostgreSQL besides its own: a database is copied for it.
_COPYING = 0.2
SLOWEST = 20  # tests that a lane names

# Pages, requests and commands run the statements of use cases, and those are tested there by
# tests of their own. Modules that ask which database it is run there all the same.
SURFACES = ("tests/publisher/cli/", "tests/publisher/web/")
ASKS_WHICH = "on_postgresql()"
# Tests of the slow lane that run on PostgreSQL too: whose writers race, or that look at a server's
# own plans, dumps and locks.
RACING = (
    "tests/slow/publisher/test_processes.py::test_killed_at_any_moment_nothing_is_lost_or_doubled",
    "tests/slow/publisher/test_processes.py::test_the_service_works_is_alone_and_stops_when_asked",
    "tests/slow/publisher/app/test_restores.py",
    "tests/slow/publisher/app/test_recovered_stories.py",
    "tests/slow/publisher/app/test_random_lives.py",
    "tests/slow/publisher/app/test_departures.py",
    "tests/slow/publisher/app/test_dumps.py",
    "tests/slow/publisher/app/test_backup_while_sending.py",
    "tests/slow/publisher/app/test_nightly_backups.py",
    "tests/slow/publisher/cli/test_restored.py",
    "tests/slow/publisher/delivery/crashes",
    "tests/slow/publisher/delivery/rates",
    "tests/slow/publisher/delivery/test_invariants.py",
    "tests/slow/publisher/delivery/test_lease_holder.py",
    "tests/slow/publisher/delivery/test_plans_on_postgresql.py",
    "tests/slow/tools/test_postgres_server.py",
    "tests/slow/publisher/turns/test_contract.py",
    "tests/slow/publisher/web/test_hostile_texts.py::test_what_was_stored_is_text_on_every_page_that_shows_it",
)


@dataclass(frozen=True)
class Group:
    """One run of pytest, with so many processes beside each other."""

    name: str
    workers: int
    arguments: Sequence[str]


@dataclass(frozen=True)
class Lane:
    """What a lane runs, and the minutes that it may take on two cores that do nothing else.

    A budget is a fifth to a third more than what the lane took when it was set.
    """

    budget: float
    groups: Sequence[Group]
    at_night: bool = False


# What waits most of its time, for leases, servers and processes.
WAITING = (
    "tests/slow/publisher/database",
    "tests/slow/publisher/delivery",
    "tests/slow/publisher/life",
    "tests/slow/publisher/serving",
    "tests/slow/publisher/turns",
    "tests/slow/publisher/cli/test_servers.py",
    "tests/slow/publisher/test_processes.py",
)
WORKING = ("tests/slow", *(f"--ignore={place}" for place in WAITING))
SERVER = "--database=postgresql"
# The longest test of a night takes an hour.
AT_NIGHT = ("--hypothesis-profile=night", "--timeout=3600")
WITH_DATABASE = ("tests/publisher", "tests/subscribers")
# What a surface shows and permits, there too.
PERMITTING = (
    "tests/slow/publisher/web/test_audit_of_requests.py",
    "tests/slow/publisher/web/test_hostile_articles.py",
    "tests/slow/publisher/web/test_hostile_texts.py",
    "tests/slow/publisher/web/test_permission_matrix.py",
)
LANES = {
    "fast": Lane(9.5, [Group("fast", 3, [])]),
    "slow": Lane(19, [Group("slow-working", 3, WORKING), Group("slow-waiting", 6, WAITING)]),
    "postgres": Lane(11, [Group("postgres", 5, [SERVER, f"@{ON_POSTGRESQL}", *RACING])]),
    "night-fast": Lane(
        40, [Group("night-fast", 3, [*AT_NIGHT, "--cov", "--cov-report=term"])], at_night=True
    ),
    "night-slow": Lane(
        150,
        [
            Group("night-working", 2, [*AT_NIGHT, *WORKING]),
            Group("night-waiting", 6, [*AT_NIGHT, *WAITING]),
        ],
        at_night=True,
    ),
    "night-postgres": Lane(
        120,
        [Group("night-postgres", 4, [*AT_NIGHT, SERVER, *WITH_DATABASE, *RACING, *PERMITTING])],
        at_night=True,
    ),
}


@dataclass(frozen=True)
class Case:
    """One test of a report."""

    path: str
    name: str
    seconds: float
    opened_database: bool
    statements: frozenset[str]
    # Why it was skipped, None if it was run.
    skipped: str | None

    @property
    def function(self) -> str:
        """The test without its parameters, as pytest takes it."""
        return f"{self.path}::{self.name.partition('[')[0]}"

    @property
    def folder(self) -> str:
        """The folder of a subject: `tests/publisher/app` for all that is below it."""
        parts = self.path.split("/")[:-1]
        return "/".join(parts[: 4 if parts[1] == "slow" else 3])


def read_report(report: Path) -> list[Case]:
    """Read the tests of a report in JUnit's format, as pytest writes it (junit_family xunit2)."""
    return [_case(element) for element in ET.parse(report).iter("testcase")]  # our own


def _case(element: ET.Element) -> Case:
    parts = element.get("classname", "").split(".")
    module = next(
        (i for i, part in enumerate(parts) if part.startswith("test_")), len(parts) - 1
    )
    path = "/".join(parts[: module + 1]) + ".py"
    name = "::".join([*parts[module + 1 :], element.get("name", "")])
    opened = [
        one.get("value", "") for one in element.iter("property") if one.get("name") == OPENED
    ]
    statements = frozenset(" ".join(opened).split())
    skip = element.find("skipped")
    skipped = None if skip is None else skip.get("message", "")
    return Case(path, name, float(element.get("time", 0)), bool(opened), statements, skipped)


def different_on_postgresql(cases: Iterable[Case]) -> list[str]:
    """Return the tests that open a database and may differ on PostgreSQL, without parameters.

    Tests that run there alone were skipped, and their reason names the option.
    """
    return sorted(
        {
            case.function
            for case in cases
            if (case.opened_database and may_differ(case.path))
            or SERVER in (case.skipped or "")
        }
    )


def chosen_by_day(cases: Iterable[Case]) -> set[str]:
    """Return the tests of `different_on_postgresql` that the lane `postgres` needs.

    Each statement is executed by TESTS_OF_A_STATEMENT of them, or by all that execute it. The cheapest
    are taken for what they execute; tests that run on that server alone are among them.
    """
    names = {*different_on_postgresql(cases)}
    statements: dict[str, set[str]] = {name: set() for name in names}
    seconds = dict.fromkeys(names, _COPYING)
    for case in cases:
        if case.function in names:
            statements[case.function] |= case.statements
            seconds[case.function] += case.seconds
    counts = Counter(one for found in statements.values() for one in found)
    rare = {one for one, count in counts.items() if count <= TESTS_OF_A_STATEMENT}
    chosen = {name for name, found in statements.items() if not found or found & rare}
    left = Counter(dict.fromkeys(counts.keys() - rare, TESTS_OF_A_STATEMENT))
    for name in chosen:
        left -= Counter(statements[name])
    while left:
        best = max(
            sorted(names - chosen),
            key=lambda name: len(statements[name] & left.keys()) / seconds[name],
        )
        chosen.add(best)
        left -= Counter(statements[best])
    return chosen


def may_differ(path: str) -> bool:
    """Say whether tests of a module may differ on PostgreSQL."""
    return not path.startswith(SURFACES) or ASKS_WHICH in (ROOT / path).read_text("utf-8")


def list_mistakes(cases: Sequence[Case], listed: Sequence[str]) -> list[str]:
    """Say how the stored lists differ from what a whole fast lane has seen.

    What was skipped, as for want of a corpus, may be listed.
    """
    seen = {*different_on_postgresql(cases)}
    skipped = {case.function for case in cases if case.skipped is not None}
    return [
        *(f"opens a database, and is not listed: {name}" for name in sorted(seen - {*listed})),
        *(
            f"is listed, and opened no database: {name}"
            for name in sorted({*listed} - seen - skipped)
        ),
    ]


def minutes_table(cases: Sequence[Case]) -> Table:
    """Return a table of the minutes and tests of each folder, most minutes first."""
    folders: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        folders[case.folder].append(case.seconds)
    table = Table("minutes", "tests", "folder", box=None)
    for folder, seconds in sorted(folders.items(), key=lambda item: -sum(item[1])):
        table.add_row(f"{sum(seconds) / 60:.1f}", str(len(seconds)), folder)
    table.add_row(f"{sum(case.seconds for case in cases) / 60:.1f}", str(len(cases)), "all")
    return table


def slowest_table(cases: Sequence[Case]) -> Table:
    """Return a table of the slowest tests."""
    table = Table("seconds", "test", box=None)
    for case in sorted(cases, key=lambda case: -case.seconds)[:SLOWEST]:
        table.add_row(f"{case.seconds:.1f}", f"{case.path}::{case.name[:80]}")
    return table


def report_of(group: Group) -> Path:
    """Return where a group leaves its report, if it comes to its end."""
    return REPORTS / f"{group.name}.xml"


def command(group: Group, seed: int | None) -> list[str]:
    """Return the command of a group; `seed` is that of a night."""
    words = [sys.executable, "-m", "pytest", "-n", str(group.workers), "--dist", "worksteal"]
    words += [f"--junitxml={report_of(group)}", *group.arguments]
    return words if seed is None else [*words, f"--hypothesis-seed={seed}"]


def run_groups(groups: Sequence[Group], *, at_night: bool) -> list[int]:
    """Run groups beside each other, and return their exit codes.

    The first one writes to the terminal; what the others wrote follows when they have ended.
    """
    REPORTS.mkdir(parents=True, exist_ok=True)
    for group in groups:
        report_of(group).unlink(missing_ok=True)  # a run that ends early leaves none
    seed = new_seed() if at_night else None
    environment = os.environ | ({} if seed is None else {NIGHT: str(seed)})
    # Where bytecode is not written, each process that a test starts and each worker compiles all modules
    # anew: 23 seconds of CPU before its first test.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    first, *others = groups
    with ExitStack() as stack:
        running = []
        for group in others:
            log = stack.enter_context((REPORTS / f"{group.name}.log").open("wb"))
            words = command(group, seed)
            running.append(
                subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
            )
        done = subprocess.run(command(first, seed), cwd=ROOT, env=environment, check=False)
        codes = [done.returncode, *(process.wait() for process in running)]
    for group in others:
        sys.stdout.write((REPORTS / f"{group.name}.log").read_text("utf-8", "replace"))
    return codes


def new_seed() -> int:
    """Draw the seed of a night, and print it."""
    seed = int(os.environ.get(NIGHT) or secrets.randbelow(1_000_000))
    print(f"{NIGHT}={seed}", flush=True)  # noqa: T201  # for the log of the night
    return seed


def run_lane(name: str, *, keep_budget: bool) -> list[str]:
    """Run a lane, print its tables, and return what is wrong."""
    lane = LANES[name]
    start = time.monotonic()
    codes = run_groups(lane.groups, at_night=lane.at_night)
    minutes = (time.monotonic() - start) / 60
    reports = [report_of(group) for group in lane.groups]
    cases = [case for report in reports if report.exists() for case in read_report(report)]
    terminal = Console(width=160)
    terminal.print(minutes_table(cases), slowest_table(cases))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    terminal.print(
        f"Lane {name}: {minutes:.1f} minutes, its budget is {lane.budget:g}. "
        f"CPU: {(used.ru_utime + used.ru_stime) / 60:.1f} minutes."
    )
    wrong = [
        f"the tests of {group.name} ended with {code}"
        for group, code in zip(lane.groups, codes, strict=True)
        if code or not report_of(group).exists()
    ]
    if name == "fast" and not wrong:
        wrong += list_mistakes(cases, [*listed_tests(), *listed_tests(AT_NIGHT_ONLY)])
    if keep_budget and minutes > lane.budget:
        wrong.append(f"it took {minutes:.1f} minutes, its budget is {lane.budget:g}")
    return wrong


def listed_tests(file: Path | None = None) -> list[str]:
    """Return the tests of a list: by default of those that the lane `postgres` runs."""
    return (file or ON_POSTGRESQL).read_text("utf-8").split()


def update_lists() -> None:
    """Store what the last run of the fast lane has seen. What was skipped stays as it was."""
    cases = read_report(REPORTS / "fast.xml")
    skipped = {case.function for case in cases if case.skipped is not None}
    by_day = chosen_by_day(cases) | (skipped & {*listed_tests()})
    at_night = {*different_on_postgresql(cases)} | (skipped & {*listed_tests(AT_NIGHT_ONLY)})
    for file, names in ((ON_POSTGRESQL, by_day), (AT_NIGHT_ONLY, at_night - by_day)):
        file.write_text("".join(f"{name}\n" for name in sorted(names)), "utf-8")


def main() -> None:
    """Run the lanes that the command line names; end with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lanes", nargs="+", choices=LANES)
    parser.add_argument("--without-budget", action="store_true", help="however long it takes")
    parser.add_argument(
        "--update-list",
        action="store_true",
        help="run nothing, and store in both lists what the last run has seen",
    )
    given = parser.parse_args()
    if given.update_list:
        update_lists()
        return
    wrong = [
        f"lane {name}: {line}"
        for name in given.lanes
        for line in run_lane(name, keep_budget=not given.without_budget)
    ]
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
