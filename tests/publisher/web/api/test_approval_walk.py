"""How much of the program an approval passes through."""

import pytest

from publisher.accounts.model import Grant, Role
from tests.publisher.app.approving import HOUR, NAME
from tests.publisher.conftest import PublicationFolder
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.web.api.conftest import NewKey
from tools.bench import walk


@pytest.fixture
def publication(starting_point: StartingPoint) -> PublicationFolder:
    return starting_point(Point.WAITING, before=6 * HOUR)


def test_an_approval_passes_through_few_modules_and_takes_few_calls(new_key: NewKey) -> None:
    program, path = new_key(Grant(Role.APPROVER)), f"/issues/{NAME}/approvals"
    manifest = program.get(path).get_json()["manifest"]
    with walk.counted() as entered:
        done = program.post(path, {"manifest": manifest})
    assert done.get_json()["reason"] is None
    assert len(entered.modules) <= 45
    assert entered.calls <= 1200
