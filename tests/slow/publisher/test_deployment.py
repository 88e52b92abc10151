"""The units of deploy/ as systemd sees them, and the program as its units and containers run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.testing import SECRET, make_publication
from tests.processes import ROOT
from tests.project.test_deployment import DEPLOY, PROGRAM, UNITS

USER = 10001
# `systemd-analyze security` names exposures up to 10.
EXPOSURE = 2.0
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)

# A view of the file system in which only two folders can be changed, for a user without any right.
# Neither the interpreter nor the publication need lie where that user could reach them.
AS_IN_A_CONTAINER = """
set -e
mount --bind "$1" /mnt
mount --bind "$2" /srv
for folder in var public; do mount --bind "$1/$folder" "/mnt/$folder"; done
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /
for place in /mnt /srv; do mount -o remount,bind,ro "$place"; done
cd /
program="setpriv --reuid=$3 --regid=$3 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs $4"
$program -c 'import publisher.cli.main' 2>/dev/null || exit 77
if $program -c 'open("/mnt/new", "w")' 2>/dev/null; then echo "the root can be written"; exit 78; fi
exec $program -m publisher run --once /mnt
"""


def run(
    *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
@needs_systemd
def test_systemd_understands_the_units_and_finds_them_hardened(
    unit: Path, tmp_path: Path
) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text("utf-8").replace(PROGRAM, sys.executable), "utf-8")
    for timer in DEPLOY.glob("systemd/*.timer"):
        shutil.copy(timer, tmp_path)
    verified = run("systemd-analyze", "verify", *map(str, tmp_path.iterdir()))
    assert verified.returncode == 0, verified.stdout
    rating = ("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}")
    rated = run("systemd-analyze", *rating, str(copy))
    assert rated.returncode == 0, rated.stdout


def test_it_runs_without_any_right_on_a_read_only_root(tmp_path: Path) -> None:
    if os.getuid() != 0 or run("unshare", "--mount", "true").returncode:
        pytest.skip("a read-only root needs root and mount namespaces")
    folder = tmp_path / "lantern"
    make_publication(folder)
    article = folder / "articles" / "lamp.md"
    article.write_text("---\ntitle: The lamp\ndate: 2026-01-08\n---\nIt burns.\n", "utf-8")
    for name in ("var", "public"):
        (folder / name).mkdir()
        os.chown(folder / name, USER, USER)
    for name in (".", "articles"):
        (folder / name).chmod(0o755)
    interpreter = f"/srv/bin/{Path(sys.executable).resolve().name}"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHOME": "/srv",
        "LD_LIBRARY_PATH": "/srv/lib",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(os.path.isdir, sys.path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PUBLISHER_SECRET": SECRET,
    }
    script = (
        "unshare",
        "--mount",
        "--propagation=private",
        "sh",
        "-c",
        AS_IN_A_CONTAINER,
        "sh",
    )
    words = (str(folder), sys.base_prefix, str(USER), interpreter)
    done = run(*script, *words, environment=environment)
    if done.returncode == 77:
        pytest.skip("the packages of this interpreter are not readable for other users")
    assert done.returncode == 0, done.stdout
    (page,) = (folder / "public").rglob("lamp/index.html")
    assert page.stat().st_uid == USER
    assert not (folder / "outbox").exists()
