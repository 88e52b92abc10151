"""Parse documents that repeat one token, in each dialect, and name those that take too long.

    python -m tools.repeated_tokens [--size CHARACTERS] [--seconds CPU]

Each document is read in a process of its own, with a limit of CPU time and of memory. Ends with 1 if one is
neither parsed nor refused with a reason in that time.
"""

import argparse
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import PurePosixPath

from publisher.errors import ArticleError
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import Dialect, SourceDocument
from tests.publisher.ingest.helpers import MemoryLibrary

# What the grammars of the dialects begin, end or divide something with.
TOKENS = (
    "#\n", "# a\n", "#", "## \n", "=\n", "a\n=\n", "-\n", "a\n-\n", "---\n", "* * *\n", "-", "=",
    "|\n", "||\n", "|", "| a |\n", "|-\n", "a|b\n-|-\n", "| a | b |\n|---|---|\n", "|-|-", "a|",
    ">\n", ">", "> > ", "> a\n", ">\n\n", "- ", "- a\n", "-\n\n", " - a\n", "1. ", "1.\n", "1) a\n", "+ a\n",
    "\t", " ", "  \n", "\n", "    a\n", "\\", "\\\n", "`", "``", "` ", "`a", "```\n", "~~~\n", "```a\n\n",
    "*", "**", "* ", "*a", "a*", "**a", "*a_", "_", "__", "_a", "_a*", "~", "~~", "~~a", "~a", "^", "^a",
    "[", "[a](", "[a]", "[]", "[]()", "](", "]", "![", "![](", "[a]: b\n", "[a]: b\n\n", "[a][", "[^a]", "[^a]: b\n", "^[", "^[a]", "[[", "[a]:\n",
    "<", "<a", "<a>", "<a\n", "</a>", "<!--", "<!-- -->", "<?", "<![CDATA[", "<!A", "<a href=", "<div>\n", "<b>", "<p>\n", "<br>", "<a b='", "<A>", "<A/>", "<A b={", "<>", "<script>", "<details>\n",
    "&", "&amp;", "&#", "&#1;", "&a", "!", "!!", '"', "'", '"a', "a'", "'a ", "...", "--", "<<", ">>",
    ":", ":a", ":a:", ":a ", ":\n", ": a\n", "a\n: b\n", ":::", ":::\n", "::: a\n", "::: tip\n", ":::tip\n\n",
    "www.", "www.a.b ", "http://", "https://a.b ", "http:", "a@", "a@b", "a@b.c ", "mailto:", "mailto:a", "xmpp:", "w", "a", "a ", "@", ".", "_.", "a.", "a-",
    "{", "{:", "{:.a}\n", "{: #a}", "{#a}", "# a {#a}\n", "{{", "{{ a }}", "{{<", "{{< a >}}", "{{% a %}}", "{%", "{% a %}", "{% raw %}", "{% if a %}", "{% comment %}", "{% for a in b %}", "}}", "{}", "{a}", "{/*", "{`", "${",
    "$", "$$", "$a", "$$\n", "*[a]: b\n", "*[", "import a\n", "export a\n", "import a from 'b'\n\n", "export const a = 1\n", "<<<", "<<< a\n", "[[toc]]\n", "@[", "[!NOTE]\n", "> [!NOTE]\n", "[x] ", "- [ ] a\n", "+++\n", "\u4e00", "\u4e00*", "\u200b", "e\u0301", "\U0001f600", "\u0627",
)  # fmt: skip


def read(token: str, dialect: str, size: int) -> str:
    """Parse a token, repeated up to `size` characters; return why it is refused, if it is."""
    head = "---\ntitle: A\ndate: 2026-01-05\n---\n" if dialect != "html" else ""
    text = token * (size // len(token))
    if dialect == "html":
        document = SourceDocument(PurePosixPath("a.html"), text.encode())
    else:
        content = (head + text).encode()
        document = SourceDocument(PurePosixPath("a.md"), content, dialect=Dialect(dialect))
    try:
        parse_document(document, MemoryLibrary())
    except ArticleError as error:
        return str(error)
    return ""


def measure(token: str, dialect: str, size: int, seconds: int) -> tuple[float, str]:
    """Return the CPU seconds of one document, and how it ended: nothing, a reason, or a fault."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _read_limited(token, dialect, size, seconds, writer)
    os.close(writer)
    with os.fdopen(reader) as said:
        words = said.read()
    _pid, status, used = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        words = f"FAULT: {signal.Signals(os.WTERMSIG(status)).name}"
    return used.ru_utime + used.ru_stime, words


def _measured(
    case: tuple[str, str], size: int, seconds: int
) -> tuple[tuple[str, str], tuple[float, str]]:
    return case, measure(*case, size, seconds)


def _read_limited(token: str, dialect: str, size: int, seconds: int, writer: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
    try:
        words = read(token, dialect, size)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent names it
        words = f"FAULT: {error!r}"[:200]
    os.write(writer, words[:500].encode())
    os._exit(0)


def cases() -> Iterator[tuple[str, str]]:
    """Yield each token with each dialect, and with HTML."""
    for dialect in (*Dialect, "html"):
        for token in TOKENS:
            yield token, str(dialect)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all cases; print those that take too long, and end with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args(arguments)
    slow = 0
    # What is imported at the first document is not to be measured.
    for dialect in (*Dialect, "html"):
        read("a", str(dialect), 10)
    with ThreadPoolExecutor(2) as threads:
        run = partial(_measured, size=chosen.size, seconds=chosen.seconds)
        for (token, dialect), (used, words) in threads.map(run, cases()):
            is_slow = words.startswith("FAULT")
            slow += is_slow
            if is_slow or chosen.all:
                sys.stdout.write(f"{used:6.2f}  {dialect:12}{token!r:24}{words[:90]}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{slow} too slow\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
