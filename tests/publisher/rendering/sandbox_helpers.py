"""What tests of the process apart share: folders of templates, and looking at processes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import RenderingError
from publisher.processes.limited_process import LimitedProcess
from publisher.rendering import Renderer
from publisher.rendering.environment import Templates
from tests.publisher.rendering import sample

HELLO = "Hello, {{ item.article.title }}"
ENTRY = "feed/entry.html"


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


def each_refused(renderer: Renderer, folder: Path, *sources: str) -> list[str]:
    """Give the reasons of several templates, which one process reads; in them all are called ENTRY."""
    values = {"item": sample.item("en"), "publication": sample.publication("en")}
    names = [f"feed/{number}.html" for number in range(len(sources))]
    for name, source in zip(names, sources, strict=True):
        write(folder, name, source)
    reasons = []
    for name in names:
        with pytest.raises(RenderingError) as caught:
            renderer.shortcode(name, "en", values)
        reasons.append(reason_of(renderer, caught.value).replace(name, ENTRY))
    return reasons


def reason_of(renderer: Renderer, error: RenderingError) -> str:
    """Give the reason of an error; the next page must be none the worse for it."""
    assert renderer.chooser_page(sample.publication("en"), ())
    reason = str(error)
    assert len(reason) < 600
    assert "\n" not in reason
    return reason


def broken(_templates: Templates) -> str:
    """Make nothing, as a fault of the program would."""
    return str(1 // 0)


def child(renderer: Renderer) -> LimitedProcess:
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
