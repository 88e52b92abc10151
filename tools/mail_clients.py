"""Renew the compact copy of caniemail's data.

`python -m tools.mail_clients ARCHIVE`, where ARCHIVE is what `npm pack caniemail` wrote.
Of each feature it keeps the newest result for each mail client, and the notes of these results.
"""

import argparse
import json
import re
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from publisher.files import write_if_changed
from publisher.gate.mail_clients.caniemail import CANIEMAIL_DATA, CANIEMAIL_LICENCES, NOT_TESTED

# Versions are written in three ways, which can't be compared with each other: the month of a test
# of a web service, the year in a client's name (Outlook 2019), and the number of a build.
_MONTH = re.compile(r"20\d\d-\d\d?")
_YEAR = re.compile(r"20\d\d")
_VERDICT = re.compile(r"[ynau]( #\d+)*")


def compact(source: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the compact copy of the package's data.

    Raise ValueError, with the feature's slug, for an invalid result.
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
    """Return the newest of a client's versions, which are listed in the order of the tests.

    Versions of one kind are compared by number (149.0.1 is newer than 78.10). Of the newest of
    each kind, the one listed last counts: Outlook's build 16.80 is newer than its edition 2019.
    """
    listed = list(versions)
    kinds: dict[str, list[str]] = {}
    for version in listed:
        kinds.setdefault(_kind(version), []).append(version)
    return max((max(kind, key=_numbers) for kind in kinds.values()), key=listed.index)


def _kind(version: str) -> str:
    if _MONTH.fullmatch(version):
        return "month"
    return "year" if _YEAR.fullmatch(version) else "build"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _tested(feature: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the results of each client (`family.platform`), by version."""
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
        if not _VERDICT.fullmatch(verdict):
            raise ValueError(f"{feature['slug']}: {verdict!r} is not a result")
    needed = {number for verdict in verdicts.values() for number in verdict.split(" #")[1:]}
    notes = feature["notes_by_num"] or {}
    return {
        "title": feature["title"].strip(),
        "category": feature["category"],
        "tested": feature["last_test_date"],
        # "a #1 #7" becomes "a1,7"; one word for each client, in their order.
        "verdicts": " ".join(
            verdicts.get(client, NOT_TESTED).replace(" #", "", 1).replace(" #", ",")
            for client in clients
        ),
        "notes": {number: notes[number] for number in sorted(needed & notes.keys(), key=int)},
    }


def write(archive: Path, data: Path = CANIEMAIL_DATA) -> str:
    """Write the compact copy of an archive, one feature a line; return a summary.

    Raise ValueError if the package names a holder of rights that our notices lack.
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
    """Renew the data from the archive of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mail_clients")
    parser.add_argument("archive", type=Path, help="what `npm pack caniemail` wrote")
    sys.stdout.write(f"{write(parser.parse_args().archive)}\n")


if __name__ == "__main__":
    main()
