"""Processes that answer otherwise than they should, in place of the one that renders.

The name of the folder that each is given says what it does.
"""

import os
import struct
import sys
from pathlib import Path

from publisher.processes import limited_process
from publisher.rendering.sandbox import protocol

HEADER = limited_process.REPLY_HEADER


def main(what: str) -> None:
    if what == "dies at once":
        sys.exit(3)
    os.write(1, HEADER.pack(limited_process.REPLY_READY, 0))
    length = sys.stdin.buffer.read(limited_process.REQUEST_HEADER.size)
    sys.stdin.buffer.read(struct.unpack("!Q", length)[0])
    if what == "gives a pickle":
        answer = b"cos\nsystem\n(S'touch taken'\ntR."
        os.write(1, HEADER.pack(limited_process.REPLY_RESULT, len(answer)) + answer)
    elif what == "gives another shape":
        answer = b'{"title": "t", "summary": ["s"], "content_html": "c"}'
        os.write(1, HEADER.pack(limited_process.REPLY_RESULT, len(answer)) + answer)
    elif what == "promises too much":
        os.write(1, HEADER.pack(limited_process.REPLY_RESULT, 2**32 - 1))
    elif what == "says nothing":
        sys.stdin.buffer.read()
    elif what == "leaves":
        os.write(1, HEADER.pack(protocol.REPLY_TEMPLATE, 15) + b"feed/entry.html")
        sys.exit(4)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]).name)
