"""Fixtures of the tests of use cases."""

from collections.abc import Iterator

import pytest

from publisher.app.editing_state import EditingState, open_editing_state
from publisher.rendering import Renderer
from tests.publisher.app.editing import ANN, Person, invite
from tests.publisher.conftest import PublicationFolder


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    """What verbs of editors work with, as a surface opens it."""
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def ann(state: EditingState) -> Person:
    """Ann, an administrator who was invited."""
    return invite(state, ANN)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """The program's own templates."""
    return Renderer()
