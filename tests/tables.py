"""Tables of facts in files: a line has a kind and values, by tabs. Invisible characters are written as in Python."""

from pathlib import Path


def facts(table: Path, kind: str) -> list[list[str]]:
    """Read the facts of a kind: what is given, and what comes of it."""
    lines = table.read_text("utf-8").split("\n")
    return [_values(line) for line in lines if line.startswith(f"{kind}\t")]


def _values(line: str) -> list[str]:
    escaped = line.encode("latin-1", "backslashreplace").decode("latin-1")
    return [one.encode("latin-1").decode("unicode_escape") for one in escaped.split("\t")[1:]]
