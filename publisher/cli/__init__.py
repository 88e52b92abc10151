"""COMMAND: what people type. One module per group of commands; they decide nothing."""

from publisher.cli.main import main

__all__ = ["main"]
