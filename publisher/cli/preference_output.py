"""What a subscriber chose, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import make_table, rfc3339_or_none

if TYPE_CHECKING:
    from rich.table import Table

    from subscribers import Preferences


def preferences_json(chosen: Preferences) -> dict[str, object]:
    """Return preferences as `find --json` prints them."""
    return {
        "languages": list(chosen.languages),
        "cadences": dict(chosen.cadences),
        "topics": list(chosen.topics),
        "authors": list(chosen.authors),
        "hour": chosen.hour,
        "length": chosen.length,
        "machine_translations": chosen.machine_translations,
        "paused_until": rfc3339_or_none(chosen.paused_until),
    }


def preferences_table(chosen: Preferences) -> Table:
    """Return what differs from the defaults of a subscriber who chose nothing."""
    table = make_table("Preference", "Value")
    for name, value in preferences_json(chosen).items():
        if value not in ([], {}, None):
            table.add_row(name.replace("_", " "), _shown(value))
    return table


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {cadence}" for name, cadence in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
