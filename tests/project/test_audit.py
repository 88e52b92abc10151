import json

from tools.audit import UNREACHABLE, verdict

CLEAN = {"name": "lxml", "version": "6.1.3", "vulns": []}
SKIPPED = {"name": "nh3", "skip_reason": "Dependency not found"}


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_fails_and_is_named_with_its_fix() -> None:
    hole = {"id": "CVE-2026-41066", "fix_versions": ["6.1.0"], "description": ""}
    code, text = verdict(report(SKIPPED, CLEAN | {"version": "5.3", "vulns": [hole]}))
    assert (code, text) == (1, "audit: lxml 5.3 has CVE-2026-41066; fixed in 6.1.0")


def test_packages_without_a_known_vulnerability_pass() -> None:
    assert verdict(report(CLEAN, SKIPPED)) == (
        0,
        "audit: 1 of 2 packages checked, no known vulnerability",
    )


def test_a_database_that_cannot_be_reached_is_said_and_does_not_fail() -> None:
    assert verdict("") == (0, UNREACHABLE)
    assert verdict(report(SKIPPED)) == (0, UNREACHABLE)
