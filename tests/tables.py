"""Tables of facts in files: a line has a kind and values, by tabs; `\\n` is the end of a line in a value."""

from pathlib import Path


def facts(table: Path, kind: str) -> list[list[str]]:
    """Read the facts of a kind: what is given, and what comes of it."""
    lines = table.read_text("utf-8").split("\n")
    return [
        line.replace("\\n", "\n").split("\t")[1:]
        for line in lines
        if line.startswith(f"{kind}\t")
    ]
