"""Paths of the console that other pages lead to. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlencode

# Pages of signing in. Both take `next`, the path to go to afterwards.
SIGN_IN_PATH = "/sign-in/"
PROVE_PATH = "/sign-in/again/"
# Lists of subscribers are posted to it.
IMPORT_PATH = "/subscribers/import/"

# One slash, then none and no backslash: browsers read //evil and /\evil as another host.
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


def own_path(text: str) -> str:
    """Return a path of this server, as `next` may name it; `/` for anything else."""
    return text if _OWN_PATH.fullmatch(text) and "%0" not in text.lower() else "/"


def path_with_next(path: str, following: str, *, again: bool = False) -> str:
    """Return the address of a page that leads on to another path.

    `again` says that a button there was pressed for nothing, and has to be pressed once more.
    """
    fields = {"next": own_path(following)} | ({"again": "yes"} if again else {})
    return f"{path}?{urlencode(fields, safe='/')}"
