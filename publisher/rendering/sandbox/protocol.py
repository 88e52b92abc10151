"""The messages between the program and the sandbox's process.

A request is a length and a pickle: the process may trust the program. A reply is a kind, a length and
UTF-8; the program does not trust it, and reads it as text only.
"""

from __future__ import annotations

import struct

REQUEST_HEADER = struct.Struct("!Q")
REPLY_HEADER = struct.Struct("!cI")

# The process has started and waits for requests.
REPLY_READY = b"r"
# The name of the template that it begins to render, for error messages.
REPLY_TEMPLATE = b"b"
# The result, as JSON.
REPLY_RESULT = b"d"
# The reason of a fault; the process waits for the next request.
REPLY_ERROR = b"f"
# The reason of a reached limit; the process ends, since it stopped at an arbitrary place.
REPLY_LIMIT = b"l"
