"""Look up the locked packages in a database of known vulnerabilities, with pip-audit.

`python -m tools.audit PIP_AUDIT` ends with exit code 1 if one is found. Where the database can't be
reached, that is a line on standard output and exit code 0.
"""

import json
import subprocess
import sys

from tests.processes import ROOT

LOCKS = (ROOT / "requirements.txt", ROOT / "requirements-extras.txt")
UNREACHABLE = "audit: the database of vulnerabilities can't be reached; nothing was checked"


def verdict(report: str) -> tuple[int, str]:
    """Return exit code and text for what pip-audit printed as JSON."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return 0, UNREACHABLE
    checked = [one for one in packages if "vulns" in one]
    found = [
        f"audit: {one['name']} {one['version']} has {hole['id']}; "
        f"fixed in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in checked
        for hole in one["vulns"]
    ]
    if found:
        return 1, "\n".join(found)
    if not checked:
        return 0, UNREACHABLE
    return (
        0,
        f"audit: {len(checked)} of {len(packages)} packages checked, no known vulnerability",
    )


def main() -> int:
    """Run pip-audit over the lock files, and print what it means."""
    files = (word for lock in LOCKS for word in ("--requirement", str(lock)))
    command = [sys.argv[1], *files, "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        code, text = verdict(done.stdout)
    except (OSError, subprocess.TimeoutExpired):
        code, text = 0, UNREACHABLE
    sys.stdout.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
