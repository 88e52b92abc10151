"""Renewing what is known of mail programs: from caniemail's package to the compact copy.

`python -m publisher.gate.mail_clients.refresh ARCHIVE`, where ARCHIVE is what `npm pack caniemail` wrote.
Of each feature it keeps the newest verdict per mail program, and the notes that those need.
Knows no mail.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from publisher.files import write_if_changed
from publisher.gate.mail_clients.caniemail import CANIEMAIL_DATA, CANIEMAIL_LICENCES, NOT_TESTED

# Versions are written in three ways, which can't be compared with each other: a month in which
# a web service was tested, the year in a program's name (Outlook 2019), and a build's number.
MONTH = re.compile(r"20\d\d-\d\d?")
YEAR = re.compile(r"20\d\d")
VERDICT = re.compile(r"[ynau]( #\d+)*")


def compact(source: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Make the compact copy out of the package's data.

    Raises ValueError, with the feature's slug, for a verdict that is none.
    """
    clients = sorted({client for feature in source["data"] for client in _tested(feature)})
    names = source["nicenames"]["family"]
    families = {client.partition(".")[0] for client in clients}
    return {
        "source": f"caniemail {version}",
        "updated": source["last_update_date"][:10],
        "families": {family: names[family] for family in sorted(families)},
        "clients": clients,
        "features": {
            feature["slug"]: _feature(feature, clients)
            for feature in sorted(source["data"], key=lambda feature: feature["slug"])
        },
    }


def newest(versions: Iterable[str]) -> str:
    """Choose the newest of a program's versions, listed as they were tested.

    By number among those that are written alike (149.0.1 is newer than 78.10); among the newest
    of each kind, the one listed last: Outlook's build 16.80 is newer than its edition 2019.
    """
    listed = list(versions)
    kinds: dict[str, list[str]] = {}
    for version in listed:
        kinds.setdefault(_kind(version), []).append(version)
    return max((max(kind, key=_numbers) for kind in kinds.values()), key=listed.index)


def _kind(version: str) -> str:
    if MONTH.fullmatch(version):
        return "month"
    return "year" if YEAR.fullmatch(version) else "build"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _tested(feature: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """List the verdicts of each client, `family.platform`, by version."""
    return {
        f"{family}.{platform}": versions
        for family, platforms in feature["stats"].items()
        for platform, versions in platforms.items()
        if versions
    }


def _feature(feature: Mapping[str, Any], clients: Iterable[str]) -> dict[str, Any]:
    tested = _tested(feature)
    verdicts = {client: versions[newest(versions)] for client, versions in tested.items()}
    for verdict in verdicts.values():
        if not VERDICT.fullmatch(verdict):
            raise ValueError(f"{feature['slug']}: {verdict!r} is no verdict")
    needed = {number for verdict in verdicts.values() for number in verdict.split(" #")[1:]}
    notes = feature["notes_by_num"] or {}
    return {
        "title": feature["title"].strip(),
        "category": feature["category"],
        "tested": feature["last_test_date"],
        # "a #1 #7" becomes "a1,7"; one word for each of the clients, in their order.
        "verdicts": " ".join(
            verdicts.get(client, NOT_TESTED).replace(" #", "", 1).replace(" #", ",")
            for client in clients
        ),
        "notes": {number: notes[number] for number in sorted(needed & notes.keys(), key=int)},
    }


def write(archive: Path, data: Path = CANIEMAIL_DATA) -> str:
    """Write the compact copy of an archive, one feature a line; says what came of it.

    Raises ValueError where the package names a holder of rights that our notices lack.
    """
    with tarfile.open(archive) as package:
        version = json.loads(_member(package, "package.json"))["version"]
        source = json.loads(_member(package, "data/caniemail.json"))
        licence = _member(package, "LICENSE").decode()
    notices = CANIEMAIL_LICENCES.read_text(encoding="utf-8")
    for holder in re.findall(r"^Copyright .*$", licence, re.MULTILINE):
        if holder.strip() not in notices:
            raise ValueError(f"{CANIEMAIL_LICENCES.name} lacks {holder.strip()!r}")
    made = compact(source, version)
    write_if_changed(data, _written(made).encode())
    return f"{made['source']} of {made['updated']}: {len(made['features'])} features"


def _member(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(f"package/{name}")
    if member is None:
        raise ValueError(f"the package has no {name}")
    return member.read()


def _written(made: Mapping[str, Any]) -> str:
    lines = ",\n".join(
        f"{json.dumps(slug)}:{json.dumps(feature, ensure_ascii=False, separators=(',', ':'))}"
        for slug, feature in made["features"].items()
    )
    head = {key: value for key, value in made.items() if key != "features"}
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{opening},\n "features": {{\n{lines}\n}}}}\n'


def main() -> None:
    """Renew the data from the archive that the command line names."""
    if len(sys.argv) != len(["refresh", "ARCHIVE"]):
        sys.stderr.write("usage: python -m publisher.gate.mail_clients.refresh ARCHIVE\n")
        sys.exit(2)
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")


if __name__ == "__main__":
    main()
