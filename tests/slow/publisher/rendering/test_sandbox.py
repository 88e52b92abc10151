"""A publication's own templates are rendered in a process apart, which nobody needs to notice."""

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from markupsafe import escape

from publisher.errors import RenderingError
from publisher.processes.limited_process import LimitedProcess
from publisher.rendering import LanguageLink, Renderer, SystemMail
from publisher.rendering.sandbox import client, protocol
from publisher.rendering.sandbox.protocol import KILL_CPU_SECONDS
from publisher.rendering.template_files import folder_state
from tests.processes import ROOT
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import (
    HELLO,
    StrictRenderer,
    broken,
    child,
    content,
    has_process,
    is_there,
    seconds_used,
    wait_until,
    write,
)
from tests.sizes import by_lane

# Memory is used up faster than time.
GREEDY = "\n{{ item.article.title * 10 ** 9 }}"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "templates", "feed/entry.html", HELLO)
    return tmp_path / "templates"


@pytest.fixture
def renderer(folder: Path) -> Iterator[Renderer]:
    with closing(StrictRenderer(folder)) as made:
        yield made


EVERYTHING: dict[str, Callable[[Renderer, str], object]] = {
    "digest": lambda r, tag: r.digest(sample.issue(tag)),
    "system_mail": lambda r, tag: r.system_mail(
        SystemMail(
            kind="welcome", publication=sample.publication(tag), newsletters=("The week",)
        )
    ),
    "test_mark": lambda r, tag: r.test_mark(sample.publication(tag)),
    "announcement": lambda r, tag: [*map(r.announcement, sample.announcements(tag))],
    "announcement_page": lambda r, tag: [*map(r.announcement_page, sample.announcements(tag))],
    "issue_page": lambda r, tag: r.issue_page(sample.issue(tag)),
    "article_page": lambda r, tag: r.article_page(sample.publication(tag), sample.item(tag)),
    "home_page": lambda r, tag: r.home_page(sample.home(tag)),
    "archive_page": lambda r, tag: r.archive_page(sample.publication(tag), sample.archive(tag)),
    "search_script": lambda r, tag: r.search_script(sample.publication(tag)),
    "chooser_page": lambda r, tag: r.chooser_page(
        sample.publication(tag), [LanguageLink(language=tag, url="https://news.example.org/x/")]
    ),
    "letter_page": lambda r, tag: r.letter_page(
        sample.publication(tag), "unsubscribe", "desk@example.org"
    ),
    "subscriber_page": lambda r, tag: r.subscriber_page(
        "web/subscriber/error.html",
        sample.publication(tag),
        kind=404,
        style_url="/-/subscriber.css",
        icon_url="/icon.svg",
        home_url=f"https://news.example.org/{tag}/",
        sisters=(),
    ),
    "feed_page": lambda r, tag: r.feed_page(sample.publication(tag), sample.feed(tag)),
    "feed_texts": lambda r, tag: r.feed_texts(sample.item(tag), sample.publication(tag)),
    "feed_style": lambda r, tag: r.feed_style(sample.publication(tag)),
    "feed_name": lambda r, tag: r.feed_name(sample.publication(tag), "The week"),
    "feed_note": lambda r, tag: r.feed_note(sample.publication(tag), sample.URL, ()),
    "issue_texts": lambda r, tag: r.issue_texts(sample.issue(tag)),
    "withdrawn_texts": lambda r, tag: r.withdrawn_texts(sample.publication(tag)),
    "missing_page": lambda r, tag: r.missing_page(sample.publication(tag)),
    "withdrawn_page": lambda r, tag: r.withdrawn_page(sample.publication(tag)),
    "moved_page": lambda r, tag: r.moved_page(
        sample.publication(tag), "https://news.example.org/x/"
    ),
}
RENDERS_NOTHING = {
    "close",
    "fingerprint",
    "has_catalogue",
    "note_faults",
    "has_own_templates",
    "take_faults",
}
# Its templates are always the publication's own.
NEVER_RENDERED_HERE = {"shortcode"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Renderer, Renderer]]:
    """One that renders here, and one whose own templates change nothing."""
    own = tmp_path_factory.mktemp("templates")
    write(own, "feed/unused.html", "")
    with closing(Renderer(own)) as apart:
        yield Renderer(), apart


@pytest.mark.parametrize("language", by_lane(("en", "ar"), sample.LANGUAGES))
@pytest.mark.parametrize("what", EVERYTHING)
def test_what_is_made_apart_is_what_would_be_made_here(
    both: tuple[Renderer, Renderer], what: str, language: str
) -> None:
    here, apart = both
    made = EVERYTHING[what](apart, language)
    assert made == EVERYTHING[what](here, language)
    assert has_process(apart)
    assert not has_process(here)


def test_every_method_that_renders_is_compared() -> None:
    public = {name for name in vars(Renderer) if not name.startswith("_")}
    assert public - RENDERS_NOTHING - NEVER_RENDERED_HERE == set(EVERYTHING)


@pytest.mark.parametrize("make", [lambda _path: None, Path.mkdir], ids=["none", "empty"])
def test_without_templates_of_its_own_a_publication_has_no_process(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "templates")
    renderer = StrictRenderer(tmp_path / "templates")
    assert content(renderer) == content(Renderer())
    assert not has_process(renderer)


def test_one_process_renders_everything(renderer: Renderer) -> None:
    assert content(renderer) == f"Hello, {sample.STORIES['en'][0][0]}"
    number = child(renderer).pid
    assert content(renderer, "ar", 1) == f"Hello, {sample.STORIES['ar'][1][0]}"
    assert child(renderer).pid == number != os.getpid()


def test_a_template_that_changes_comes_or_goes_counts_at_once(
    renderer: Renderer, folder: Path
) -> None:
    assert content(renderer).startswith("Hello")
    chooser = renderer.chooser_page(sample.publication("en"), ())
    write(folder, "feed/entry.html", "changed")
    own = write(folder, "web/chooser.html", "new")
    assert content(renderer) == "changed"
    assert renderer.chooser_page(sample.publication("en"), ()) == "new"
    own.unlink()
    assert renderer.chooser_page(sample.publication("en"), ()) == chooser


def test_a_fault_leaves_the_process_as_it_is(renderer: Renderer, folder: Path) -> None:
    write(folder, "web/chooser.html", "{{ nothing }}")
    content(renderer)
    number = child(renderer).pid
    with pytest.raises(RenderingError, match=r"^templates/web/chooser.html, line 1: 'nothing'"):
        renderer.chooser_page(sample.publication("en"), ())
    assert content(renderer).startswith("Hello")
    assert child(renderer).pid == number


def test_threads_are_served_one_after_the_other(renderer: Renderer) -> None:
    stories = [(tag, index) for tag in ("en", "ar", "zh-Hans") for index in range(3)] * 10
    with ThreadPoolExecutor(6) as executor:
        made = list(executor.map(lambda one: content(renderer, *one), stories))
    assert made == [f"Hello, {sample.STORIES[tag][index][0]}" for tag, index in stories]


def test_an_article_that_fills_every_pipe_is_handed_over_whole(
    renderer: Renderer, folder: Path
) -> None:
    write(folder, "feed/entry.html", "{{ item.article.text|length }} {{ item.article.html }}")
    article = sample.article("en", text="字" * 1_000_000, html="<p>é</p>" * 100_000)
    item = sample.item("en", article=article)
    made = renderer.feed_texts(item, sample.publication("en")).content_html
    assert made == f"1000000 {escape(article.html)}"


def test_it_works_on_a_folder_that_is_a_link(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with closing(StrictRenderer(tmp_path / "link")) as renderer:
        assert content(renderer).startswith("Hello")


# How it ends


def test_closing_ends_the_process_and_rendering_starts_another(renderer: Renderer) -> None:
    content(renderer)
    number = child(renderer).pid
    renderer.close()
    renderer.close()
    assert not is_there(number)
    assert content(renderer).startswith("Hello")


def test_forgetting_ends_the_process(folder: Path) -> None:
    renderer = StrictRenderer(folder)
    content(renderer)
    number = child(renderer).pid
    del renderer
    gc.collect()
    assert not is_there(number)


SCRIPT = """
import sys
from pathlib import Path
from tests.processes import ROOT
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import StrictRenderer, child, content, write

folder = Path(sys.argv[1])
renderer = StrictRenderer(folder)
content(renderer)
print(child(renderer).pid, flush=True)
if sys.argv[2] == "idle":
    sys.stdin.read()
if sys.argv[2] == "busy":
    renderer.chooser_page(sample.publication("en"), ())
"""


LIMITED_SCRIPT = """
import resource, sys
from pathlib import Path
from tests.publisher.rendering.sandbox_helpers import StrictRenderer, child, content

renderer = StrictRenderer(Path(sys.argv[1]))
content(renderer)
number = child(renderer).pid
memory, _hard = resource.prlimit(number, resource.RLIMIT_AS)
held, hard = resource.prlimit(number, resource.RLIMIT_CPU)
print(memory, held, hard)
"""


def program(folder: Path, what: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-W", "error", "-c", SCRIPT, str(folder), what]
    return subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def number_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_at_the_end_of_the_program_nothing_is_left_and_nothing_is_said(folder: Path) -> None:
    with program(folder, "end") as process:
        number = number_of(process)
        _out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert not is_there(number)


@pytest.mark.parametrize("what", by_lane(["idle"], ["idle", "busy"]))
def test_it_ends_when_the_program_is_killed(folder: Path, what: str) -> None:
    write(folder, "web/chooser.html", ENDLESS)
    with program(folder, what) as process:
        number = number_of(process)
        if what == "busy":
            used = seconds_used(number)
            wait_until(lambda: seconds_used(number) > used + 0.3)
        process.kill()
        wait_until(lambda: not is_there(number), 10 * KILL_CPU_SECONDS)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_limits_of_the_operator_s_own_are_left_as_they_are(folder: Path) -> None:
    words = f'ulimit -t 600 && ulimit -v 4000000 && exec \'{sys.executable}\' -c "$0" "$@"'
    done = subprocess.run(
        ["sh", "-c", words, LIMITED_SCRIPT, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = done.stdout.split()
    memory, time_held, time_hard = map(int, found)
    assert memory < 4_000_000 * 1024
    assert time_held < KILL_CPU_SECONDS + 5
    assert time_hard == 600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_for_the_whole_program_leave_it_to_finish(
    renderer: Renderer, number: signal.Signals
) -> None:
    content(renderer)
    before = child(renderer).pid
    os.kill(before, number)
    assert content(renderer).startswith("Hello")
    assert child(renderer).pid == before


def test_starting_it_holds_back_no_signal_here(renderer: Renderer) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    content(renderer)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_one_that_was_killed_while_idle_is_replaced(renderer: Renderer) -> None:
    content(renderer)
    before = child(renderer).pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_there(before))
    assert content(renderer).startswith("Hello")
    assert child(renderer).pid != before


def test_a_killed_worker_process_is_reported_and_replaced(
    renderer: Renderer, folder: Path
) -> None:
    write(folder, "web/chooser.html", ENDLESS)
    content(renderer)
    number, used = child(renderer).pid, seconds_used(child(renderer).pid)

    def kill() -> None:
        wait_until(lambda: seconds_used(number) > used + 0.1)
        os.kill(number, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(RenderingError, match=r"^templates/web/chooser\.html: .* by SIGKILL$"):
        renderer.chooser_page(sample.publication("en"), ())
    killer.join()
    assert content(renderer).startswith("Hello")


def test_one_that_stands_still_is_ended_by_the_clock(
    renderer: Renderer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "web/chooser.html", ENDLESS)
    content(renderer)
    number, used = child(renderer).pid, seconds_used(child(renderer).pid)

    def stop() -> None:
        wait_until(lambda: seconds_used(number) > used + 0.1)
        os.kill(number, signal.SIGSTOP)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "WALL_SECONDS", 4)
        with pytest.raises(
            RenderingError, match=r"^templates/web/chooser\.html: .* 60 seconds$"
        ):
            renderer.chooser_page(sample.publication("en"), ())
    stopper.join()
    assert not is_there(number)
    assert content(renderer).startswith("Hello")


def test_an_interrupted_wait_leaves_no_answer_for_the_next(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    content(renderer)
    answer = child(renderer).receive

    def interrupted(deadline: float) -> tuple[bytes, bytes]:
        answer(deadline)
        raise KeyboardInterrupt

    # A keyboard can't be pressed at the right moment.
    monkeypatch.setattr(child(renderer), "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        content(renderer)
    assert content(renderer, "en", 1) == f"Hello, {sample.STORIES['en'][1][0]}"


def test_it_gets_no_secret_of_the_program(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PUBLISHER_SECRET", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "a secret of these tests")
    with closing(StrictRenderer(folder)) as renderer:
        content(renderer)
        told = Path(f"/proc/{child(renderer).pid}/environ").read_text()
    assert "PYTHONPATH=" in told
    assert "a secret of these tests" not in told


def test_what_merely_lies_where_the_program_runs_is_not_imported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "jinja2.py", f"open({str(tmp_path / 'taken')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with closing(StrictRenderer(folder)) as renderer:
        assert content(renderer).startswith("Hello")
    assert not (tmp_path / "taken").exists()


def test_a_system_that_starts_no_process_costs_a_page(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(
        RenderingError, match=r"^templates/: their process can't be started: No "
    ):
        content(renderer)
    monkeypatch.undo()
    assert content(renderer).startswith("Hello")


def test_a_process_that_has_just_ended_can_t_be_asked() -> None:
    one = LimitedProcess(["-c", "raise SystemExit(1)"], 100)
    wait_until(lambda: not one.is_alive)
    with pytest.raises(EOFError):
        one.send(b"anything", time.monotonic() + 30)
    assert one.wait() == 1


# What meets limits


def test_after_a_limit_the_next_page_is_made_by_another_process(
    renderer: Renderer, folder: Path
) -> None:
    write(folder, "web/chooser.html", GREEDY.replace("item.article.title", "publication.title"))
    content(renderer)
    before = child(renderer).pid
    with pytest.raises(RenderingError, match=r"line 2: it takes more than 512 MB of memory$"):
        renderer.chooser_page(sample.publication("en"), ())
    assert content(renderer).startswith("Hello")
    assert child(renderer).pid != before


def test_what_meets_a_limit_again_and_again_is_not_tried_for_a_while(
    renderer: Renderer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "feed/entry.html", GREEDY)
    monkeypatch.setattr(client, "MAX_FAILURES", 2)
    for _ in range(client.MAX_FAILURES):
        with pytest.raises(RenderingError, match=r"512 MB of memory$"):
            content(renderer)
    for _ in range(100):
        with pytest.raises(RenderingError, match=r"512 MB of memory; it is tried again in"):
            content(renderer)
    assert renderer.chooser_page(sample.publication("en"), ())
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.0)
    with pytest.raises(RenderingError, match=r"512 MB of memory$"):
        content(renderer)
    monkeypatch.setattr(client, "PAUSE_SECONDS", 60.0)
    # One that was mended is not left alone.
    write(folder, "feed/entry.html", HELLO)
    assert content(renderer).startswith("Hello")


def test_one_article_that_is_too_much_does_not_count_against_the_others(
    renderer: Renderer, folder: Path
) -> None:
    greedy = "{% if item.article.slug == 'bench-map' %}" + GREEDY + "{% endif %}fine"
    write(folder, "feed/entry.html", greedy)
    for _ in range(client.MAX_FAILURES + 1):
        with pytest.raises(RenderingError, match=r"512 MB of memory$"):
            content(renderer, "en", 1)
        assert content(renderer) == "fine"


# Answers are not trusted


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("dies at once", "their process ended with exit code 3"),
        ("gives a pickle", "their process replied something else"),
        ("gives another shape", "their process replied something else"),
        ("promises too much", "their process was ended by SIGKILL"),
        ("says nothing", "it takes more than 60 seconds"),
        ("leaves", "feed/entry.html: their process ended with exit code 4"),
    ],
)
def test_a_process_that_answers_otherwise_costs_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, said: str
) -> None:
    write(tmp_path / what, "feed/entry.html", HELLO)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        client, "_WORKER_MODULE", "tests.publisher.rendering.misbehaving_workers"
    )
    if what == "says nothing":
        monkeypatch.setattr(protocol, "WALL_SECONDS", 1)
    monkeypatch.setattr("publisher.processes.limited_process._EXIT_TIMEOUT", 0.2)
    with (
        closing(StrictRenderer(tmp_path / what)) as renderer,
        pytest.raises(RenderingError, match=rf"^templates/.*{re.escape(said)}"),
    ):
        content(renderer)
    assert not (tmp_path / "taken").exists()


def test_a_program_error_is_reported_with_its_location(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = client.SandboxClient(folder)
    with closing(place), pytest.raises(RenderingError, match=r"^ZeroDivisionError: integer"):
        place.call(folder_state(folder), broken)
    err = capfd.readouterr().err
    assert "sandbox_helpers.py" in err
    assert "in broken" in err


# What it costs


def test_rendering_apart_takes_little_longer(both: tuple[Renderer, Renderer]) -> None:
    """A feed's entry takes a tenth of a millisecond here, and less than half a one more apart.

    The fastest of many are compared, and with ten times as much: other work is not measured.
    """
    spent = []
    for renderer in both:
        content(renderer)
        fastest = 1.0
        for _ in range(300):
            begun = time.perf_counter()
            content(renderer)
            fastest = min(fastest, time.perf_counter() - begun)
        spent.append(fastest)
    assert spent[1] - spent[0] < 0.005
