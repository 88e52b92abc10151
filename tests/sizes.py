"""Sizes of tests: small for each change, full for the night run (`make night`)."""

import os
from typing import TypeVar

import pytest

Size = TypeVar("Size")

# Set for the night run by tools.lanes, to the seed of the night's random tests: another one each night.
NIGHT = "TESTS_AT_NIGHT"


def at_night() -> bool:
    """Say whether this is the night run."""
    return bool(os.environ.get(NIGHT))


def night_seed() -> int:
    """Return the seed of this night, 0 in other lanes."""
    return int(os.environ.get(NIGHT) or 0)


def by_lane(change: Size, night: Size) -> Size:
    """Return the size for a change that lands, or the one for the night run."""
    return night if at_night() else change


# Longest wait for an event, in seconds. Only a failure, or a machine that is far too busy, takes so long.
PATIENCE = 120.0

# What takes minutes and finds what a change rarely breaks; whatever it finds becomes a test of a lane.
only_at_night = pytest.mark.skipif(not at_night(), reason="only in the night run (make night)")
