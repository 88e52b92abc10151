"""Names say one thing each, in the words of the field."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.project.modules import ROOT, product_modules

# Names that a module has because another module looks for them by name.
LOG = {"log"}
MAIN = {"main"}
ROLES = {
    "publisher/gate": {"RULES", "check"},
    "publisher/cli": {"register", "app"},
    "publisher/web": {"register"},
    "publisher/web/console": {"ROUTES"},
    "publisher/web/api": {"OPERATIONS"},
    "publisher/web/pages": {"PAGES"},
    "publisher/ingest/parsers": {"parse"},
    "feeds": {"render"},
    # Alembic and SQLAlchemy look for these.
    "publisher/database/migrations": {"upgrade", "downgrade", "revision", "down_revision"},
}
# Words of trades, plays and houses that were names once. A word that the field uses is no metaphor:
# a shell of a mail, a ledger, a lease. To use one of these, explain it in ARCHITECTURE's glossary.
METAPHORS = frozenset(
    """
    accomplice bindery board bury buried clerk child children courier couriers dealer
    desk fate fates forge hears house houses loom lot lots mint minting office offices
    parcel parcels press promise promised shelf shelves suspicion told tongue tongues
    town trial trials workshop
    """.split()  # noqa: SIM905  # as words, not as a line each
)


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement at a module's top level defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    found = (name for target in targets for name in ast.walk(target))
    return [name.id for name in found if isinstance(name, ast.Name)]


def roles_of(path: Path) -> set[str]:
    """Return the names that a module may share with others."""
    shared = [names for folder, names in ROLES.items() if path.is_relative_to(folder)]
    return LOG.union(MAIN, *shared)


def definitions() -> dict[str, list[str]]:
    """Return where each name is defined: public names, and classes whether public or not."""
    found = defaultdict(list)
    for module in product_modules():
        roles = roles_of(module.path)
        for node in module.tree.body:
            for name in defined(node):
                public = not name.startswith("_") or isinstance(node, ast.ClassDef)
                if public and name not in roles and not name.startswith("__"):
                    found[name].append(str(module.path))
    return found


def test_each_public_name_is_defined_once() -> None:
    twice = {name: where for name, where in definitions().items() if len(set(where)) > 1}
    assert twice == {}


@cache
def words_of(identifier: str) -> set[str]:
    """Split `DealerLot`, `dealer_lot` and `DEALER_LOT` into their words."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def glossary() -> set[str]:
    """Return the words that the "Words" table of ARCHITECTURE explains."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = text.partition("\n## Words\n")[2].partition("\n## ")[0]
    return {
        word
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        for word in words_of(row)
    }


def test_no_name_is_a_metaphor_that_the_glossary_lacks() -> None:
    banned = METAPHORS - glossary()
    found = []
    for module in product_modules():
        names = [name for node in module.tree.body for name in defined(node)]
        names = [module.path.stem, *names]
        found += [f"{module.path}: {name}" for name in names if words_of(name) & banned]
    assert found == []


# Readers that are no persons: streams of the standard library.
STREAM_READERS = {"BufferedReader", "DictReader", "StreamReader"}
CSV_READER = "subscribers/lists/cells.py: reader"


def test_a_person_on_the_list_is_a_subscriber_and_no_reader() -> None:
    found = {
        f"{module.path}: {name}"
        for module in product_modules()
        for node in module.nodes
        for key in ("id", "attr", "arg", "name")
        if isinstance(name := getattr(node, key, None), str)
        and words_of(name) & {"reader", "readers"}
        and name not in STREAM_READERS
    }
    assert found - {CSV_READER} == set()
