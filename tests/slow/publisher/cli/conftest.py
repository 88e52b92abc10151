"""The fixtures of the fast tests of commands."""

from tests.publisher.cli.conftest import lantern, run, small

__all__ = ["lantern", "run", "small"]
