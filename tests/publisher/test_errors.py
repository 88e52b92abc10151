import importlib
import pkgutil
import re

import pytest

import publisher
import publisher.errors as module
from publisher.errors import (
    BusyError,
    ConfigError,
    GateError,
    LanguageError,
    PublisherError,
    TransitionError,
    UsageError,
)

for found in pkgutil.walk_packages(publisher.__path__, "publisher."):
    if not found.name.startswith(
        ("publisher.testing", "publisher.__main__", "publisher.database.migrations")
    ):
        importlib.import_module(found.name)


def drawn() -> dict[str, str | None]:
    """Read the tree in the docstring: each class and its base."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (module.__doc__ or "").splitlines():
        found = re.match(r"    ((?:[│├└─ ] *)*)(\w+)  ", line + "  ")
        if found:
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else None
    return parents


def real(base: type[Exception] = PublisherError) -> dict[str, str | None]:
    """Return all errors of the program, in whatever module, and the base of each."""
    below = [one for one in base.__subclasses__() if one.__module__.startswith("publisher.")]
    found = {one.__name__: base.__name__ for one in below}
    return {name: parent for one in below for name, parent in real(one).items()} | found


def test_the_docstring_draws_the_tree_of_all_modules() -> None:
    assert drawn() == real() | {"PublisherError": None}


def test_what_a_person_wrote_wrongly_has_exit_code_2_and_all_else_1() -> None:
    codes = {
        thing: thing.exit_code
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, PublisherError)
    }
    assert {thing for thing, code in codes.items() if code == 2} == {ConfigError, UsageError}
    assert {code for thing, code in codes.items()} == {1, 2}


@pytest.mark.parametrize("thing", [ConfigError, UsageError])
def test_exit_codes_are_drawn_too(thing: type[PublisherError]) -> None:
    assert re.search(rf"{thing.__name__} .*\(exit code 2\)", module.__doc__ or "")


def test_a_config_error_says_file_key_problem_and_remedy() -> None:
    error = ConfigError("publication.toml", "newsletter[0].late", "'x' won't do", "write send")
    assert str(error) == "publication.toml: newsletter[0].late: 'x' won't do; write send"
    assert (error.file, error.key) == ("publication.toml", "newsletter[0].late")
    assert (error.problem, error.remedy) == ("'x' won't do", "write send")


def test_a_config_error_of_the_whole_file_names_no_key() -> None:
    assert str(ConfigError("a.toml", "", "no such file", "make it")) == (
        "a.toml: no such file; make it"
    )


def test_errors_carry_what_they_are_about() -> None:
    assert LanguageError("klingon").tag == "klingon"
    transition = TransitionError("sent", "ready")
    assert (transition.source, transition.target) == ("sent", "ready")
    assert str(transition) == "an issue can't go from sent to ready"
    assert BusyError("news", "42").process == "42"
    assert "process 42" in str(BusyError("news", "42"))


def test_a_gate_error_names_issue_count_and_first_and_says_where_to_see_the_rest() -> None:
    error = GateError("weekly-ar-2026-01-09", 3, "img-alt (html, line 7, img): alt is missing")
    assert str(error) == f"weekly-ar-2026-01-09: {error.reason}"
    assert error.reason == (
        "its mail has 3 errors, the first: img-alt (html, line 7, img): alt is missing;"
        " `publisher check` shows them all"
    )
    assert (error.issue, error.errors) == ("weekly-ar-2026-01-09", 3)
    assert "has 1 error: x" in str(GateError("weekly-en-2026-01-09", 1, "x"))
