"""What goes between the program and the process that renders a publication's own templates.

A request is a length and a pickle, which our own process may trust. An answer is its kind, a
length and UTF-8: it comes from where hostile templates run, and is only ever read as text.
Knows neither process.
"""

from __future__ import annotations

import struct

REQUEST_HEADER = struct.Struct("!Q")
REPLY_HEADER = struct.Struct("!cI")

# It has loaded what it needs, and waits for requests.
REPLY_READY = b"r"
# The template that it begins with, so that it can be named if nothing more is heard.
REPLY_TEMPLATE = b"b"
# What was made, as JSON.
REPLY_RESULT = b"d"
# Why it can't be made; it waits for the next request.
REPLY_ERROR = b"f"
# A limit was met, and why it can't be made: it ends, since it was cut off anywhere.
REPLY_LIMIT = b"l"
