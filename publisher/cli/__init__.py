"""COMMAND: what people type.

One module or folder for each subject, as in `app` and `web`; they decide nothing.
"""

from publisher.cli.main import main

__all__ = ["main"]
