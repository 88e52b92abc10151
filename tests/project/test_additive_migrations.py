"""A machine of the version before goes on beside a database that another one has upgraded."""

import ast
from pathlib import Path

import pytest

VERSIONS = (
    Path(__file__).resolve().parents[2] / "publisher" / "database" / "migrations" / "versions"
)
ADDING = {"create_table", "add_column", "create_index", "execute", "get_bind"}
HARMLESS = ("ALTER TABLE {} SET (", "UPDATE ", "INSERT ", "CREATE ")
# The first one makes the tables. Each later one may run beside the version before.
MIGRATIONS = sorted(VERSIONS.glob("v*.py"))[1:]


def faults(source: str) -> list[str]:
    """Give what a migration does that the version before could notice."""
    calls = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call)]
    operations = [
        one
        for one in calls
        if isinstance(one.func, ast.Attribute)
        and isinstance(one.func.value, ast.Name)
        and one.func.value.id == "op"
    ]
    found = []
    for one in operations:
        name = one.func.attr  # type: ignore[attr-defined]  # an attribute, as was found above
        arguments = [ast.unparse(argument) for argument in one.args]
        if name not in ADDING:
            found.append(name)
        if name == "add_column" and not (
            "nullable=True" in arguments[1] or "server_default=" in arguments[1]
        ):
            found.append(f"{name}: {arguments[1]}")
        if name == "execute" and not _is_harmless(one.args[0]):
            found.append(f"{name}: {arguments[0]}")
    return found


def _is_harmless(statement: ast.expr) -> bool:
    parts = statement.values if isinstance(statement, ast.JoinedStr) else [statement]
    text = "".join(
        str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
    )
    return text.lstrip().startswith(HARMLESS)


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda one: one.stem)
def test_migrations_only_add(migration: Path) -> None:
    assert faults(migration.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        *("op.drop_column('a', 'b')", "op.alter_column('a', 'b', new_column_name='c')"),
        "op.add_column('a', sa.Column('b', sa.Text(), nullable=False))",
        *("op.execute('DROP TABLE a')", "op.execute(f'ALTER TABLE {a} RENAME TO b')"),
        "op.rename_table('a', 'b')",
    ],
)
def test_what_takes_away_is_found(line: str) -> None:
    assert len(faults(line)) == 1
