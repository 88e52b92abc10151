"""What tests of the process apart share: folders of templates, and looking at processes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from publisher.rendering import Renderer
from publisher.rendering.environment import Templates
from publisher.rendering.sandbox.client import SandboxProcess
from tests.publisher.rendering import sample

HELLO = "Hello, {{ item.article.title }}"


class StrictRenderer(Renderer):
    """Makes no page by a shipped template if the publication's own fails, but raises."""

    _shown = Renderer._call


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def content(renderer: Renderer, language: str = "en", index: int = 0) -> str:
    """Give the content of a feed's entry."""
    return renderer.feed_texts(
        sample.item(language, index), sample.publication(language)
    ).content_html


def broken(_templates: Templates) -> str:
    """Make nothing, as a fault of the program would."""
    return str(1 // 0)


def child(renderer: Renderer) -> SandboxProcess:
    sandbox = renderer._sandbox
    assert sandbox is not None
    assert sandbox._process is not None
    return sandbox._process


def has_process(renderer: Renderer) -> bool:
    return renderer._sandbox is not None and renderer._sandbox._process is not None


def is_there(number: int) -> bool:
    """Say whether a process runs; one that nobody has buried yet does not."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def seconds_used(number: int) -> float:
    """Give what a process has used of the processor's time."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(found: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)
