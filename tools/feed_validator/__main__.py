"""`python -m tools.feed_validator FILE...`: print the faults of feeds and lists of feeds.

The end of a file's name says its format: `.rss.xml`, `.atom.xml`, `.json`, `.opml`. The exit code is 1 if
there is a fault.
"""

import argparse
import sys
from pathlib import Path

from tools.feed_validator import Kind, faults

_KINDS: dict[str, Kind] = {
    ".rss.xml": "rss",
    ".atom.xml": "atom",
    ".json": "json",
    ".opml": "opml",
}


def main() -> int:
    """Check the files of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.feed_validator")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    has_fault = False
    for path in parser.parse_args().files:
        kind = next((kind for end, kind in _KINDS.items() if path.name.endswith(end)), None)
        if kind is None:
            parser.error(f"{path}: its name ends with none of {', '.join(_KINDS)}")
        for fault in faults(path.read_bytes(), kind):
            has_fault = True
            sys.stdout.write(f"{path}: {fault}\n")
    return int(has_fault)


if __name__ == "__main__":
    sys.exit(main())
