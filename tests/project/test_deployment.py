"""The files in deploy/ name commands, options and variables that the program has.

`tests/slow/publisher/test_deployment.py` tries more of them.
"""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from publisher.cli.main import app
from publisher.database.dialect.server_session import LOCK_SECONDS
from publisher.delivery.worker_pool import SHUTDOWN_SECONDS
from publisher.serving.server import GRACE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
BACKUP = DEPLOY / "systemd/publisher-backup.service"
SERVICES = [one for one in UNITS if one != BACKUP]
# Units that send mail.
WITH_SERVICE = {"publisher.service", "publisher-up.service"}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "publisher"}
PROGRAM = "/opt/publisher/bin/publisher"


def parse(words: list[str]) -> Any:
    """Parse a command as the program does; an unknown word is an error."""
    commands: Any = get_command(app)
    return commands.commands[words[0]].make_context(words[0], words[1:])


def variables(text: str) -> set[str]:
    return set(re.findall(r"PUBLISHER_[A-Z_]+", text))


@pytest.mark.parametrize("name", OURS)
def test_containers_run_commands_of_the_program_and_may_change_volumes_only(name: str) -> None:
    service = OURS[name]
    assert parse(service["command"]).params["directory"] == Path("/srv/lantern")
    # A reply of the mail server is waited for so long.
    assert int(service["stop_grace_period"].removesuffix("s")) >= 2 * SHUTDOWN_SECONDS
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    volumes = dict(one.split(":", 1) for one in service["volumes"])
    assert {one for one in volumes if not one.startswith("./")} <= set(COMPOSE["volumes"])
    assert volumes["./lantern"] == "/srv/lantern:ro"


def test_each_container_has_a_name_and_a_folder_of_its_own() -> None:
    names = [one["environment"]["PUBLISHER_HOST"] for one in OURS.values()]
    folders = [
        volume.split(":")[0]
        for one in OURS.values()
        for volume in one["volumes"]
        if volume.endswith("/srv/lantern/var")
    ]
    assert len(OURS) == len({*names}) == len({*folders}) == 3


def test_on_one_machine_all_share_the_state_and_each_says_whether_it_is_healthy() -> None:
    services = yaml.safe_load((DEPLOY / "compose.one-machine.yaml").read_text("utf-8"))[
        "services"
    ]
    assert [one["command"][0] for one in services.values()] == ["run", "web", "console"]
    for one in services.values():
        params = parse(one["command"]).params
        assert params["directory"] == Path("/srv/lantern")
        assert (one["user"], one["read_only"], one["cap_drop"]) == (
            "10001:10001",
            True,
            ["ALL"],
        )
        _kind, program, *words = one["healthcheck"]["test"]
        if program == "publisher":
            assert parse(words).params["directory"] == Path("/srv/lantern")
        else:
            assert f":{params['port']}/healthz'" in words[1]
    (run, *others) = ({*one["volumes"]} for one in services.values())
    assert all(one == run for one in others)


def test_variables_are_those_of_the_reference() -> None:
    known = variables((ROOT / "docs/reference/settings.md").read_text("utf-8"))
    for file in [*UNITS, *DEPLOY.glob("*.*")]:
        assert variables(file.read_text("utf-8")) <= known, file


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_units_are_watched_and_end_by_themselves_before_they_are_killed(unit: Path) -> None:
    text = unit.read_text("utf-8")
    assert "\nType=notify\n" in text
    # A lock of the database, or a server that is silent, is waited for so long.
    assert int(re.findall(r"(?m)^WatchdogSec=(\d+)$", text)[0]) >= 2 * LOCK_SECONDS
    limit = SHUTDOWN_SECONDS if unit.name in WITH_SERVICE else GRACE_SECONDS
    assert int(re.findall(r"(?m)^TimeoutStopSec=(\d+)$", text)[0]) >= 2 * limit


def test_the_image_has_all_extras_and_the_client_of_the_server() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = re.findall(r"--extra (\w+)", (ROOT / "Makefile").read_text("utf-8"))
    assert {*extras} == project["optional-dependencies"].keys()
    assert "--require-hashes --requirement requirements-extras.txt" in text
    # `pg_dump` refuses a server that is newer than itself.
    (client,) = re.findall(r"postgresql-client-(\d+)", text)
    assert COMPOSE["services"]["database"]["image"] == f"postgres:{client}"
    assert "\nUSER 10001:10001\n" in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_of_the_program(unit: Path) -> None:
    (line,) = re.findall(r"(?m)^ExecStart=(.+)$", unit.read_text("utf-8"))
    program, *words = shlex.split(line)
    assert program == PROGRAM
    assert parse(words).params["directory"] == Path("/srv/lantern")


def test_a_timer_starts_backups_into_a_folder_that_its_unit_may_write() -> None:
    timer, unit = (one.read_text("utf-8") for one in (BACKUP.with_suffix(".timer"), BACKUP))
    # Without `Unit=`, a timer starts the service of its name.
    assert "\nOnCalendar=" in timer
    assert "\nUnit=" not in timer
    (command,) = re.findall(r"(?m)^ExecStart=\S+ (.+)$", unit)
    (writable,) = re.findall(r"(?m)^ReadWritePaths=(.+)$", unit)
    assert str(parse(shlex.split(command)).params["folder"]) in writable.split()
