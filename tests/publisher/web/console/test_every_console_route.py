"""What holds of every route of the console, from its own table: who gets in, what answers have, and no faults."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from publisher.accounts.model import OF_ONE_LANGUAGE, PERMISSIONS, Grant, Permission, Role
from publisher.issues.store import issue_by_name
from publisher.rendering.console import CONSOLE_LANGUAGES
from publisher.web.api.operations import About
from publisher.web.console.accounts.sign_in import SIGN_OUT_PATH
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.context import PROVE_PATH, SIGN_IN_PATH, ConsoleContext
from publisher.web.console.routes import Access, Route
from publisher.web.security import console_headers
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady, everything
from tests.publisher.web.console.conftest import SignIn, begin, browser
from tests.publisher.web.console.permitted_forms import FORMS
from tests.sizes import by_lane

ISSUE, LANGUAGE = "weekly-ar-2026-01-09", "ar"
PARTS = {
    "language": LANGUAGE,
    "issue": ISSUE,
    "number": "1",
    "newsletter": "weekly",
    "day": "2026-01-16",
    "kind": "subscriptions",
}
ALWAYS = {name for name, _value in console_headers("http://localhost:8090")}
LANGUAGES = by_lane(("en", "ar"), ("en", "zh-Hans", "zh-Hant", "ar"))
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# What is done with every answer has nothing to do with the method: in the lane one of each kind.
METHODS = by_lane(("GET", "POST", "TRACE"), ("GET", "HEAD", "OPTIONS", "TRACE", *UNSAFE))


def path_of(route: Route, language: str = LANGUAGE, parts: Mapping[str, str] = {}) -> str:
    """Give a path of a route: about an issue in a language, by default Arabic, where it is about one."""
    known = PARTS | {"language": language, "issue": f"weekly-{language}-2026-01-09"} | {**parts}
    return re.sub(
        r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>",
        lambda part: known.get(part[2], "1" if part[1] == "int" else "word"),
        route.path,
    )


def lets_in(
    route: Route, grant: Grant, language: str = LANGUAGE, served: Sequence[str] = LANGUAGES
) -> bool:
    """Say whom a route is for, about an object of a language, by the table of roles alone."""
    if not isinstance(route.access, Permission):
        return True
    languages: tuple[str | None, ...] = (language,)
    if route.about is About.EACH:
        languages = (None, *served)
    elif route.about is About.NOTHING:
        languages = (None,)
    return any(is_given(grant, route.access, one) for one in languages)


def is_given(grant: Grant, permission: Permission, language: str | None) -> bool:
    """Say whether a role gives a permission for a language, without the program's own function."""
    is_of_language = permission in OF_ONE_LANGUAGE
    return permission in PERMISSIONS[grant.role] and (
        not is_of_language or grant.language in {None, language}
    )


def arabic_issue(publication: PublicationFolder) -> None:
    """Have an issue that routes can be about."""
    publication.write("ar/tides.md", "المد ينتظر.", title="المد", date="2026-01-05")
    pipeline_of(publication).prepare()
    with publication.database.reading() as connection:
        assert issue_by_name(connection, ISSUE) is not None


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(arabic_issue)


def cases() -> Iterator[tuple[Route, str]]:
    # Signing out comes last: it ends the session.
    for route in sorted(ROUTES, key=lambda one: one.path == SIGN_OUT_PATH):
        for method in route.methods:
            yield route, method


def test_each_role_gets_what_its_permissions_say(
    publication: PublicationFolder, console_context: ConsoleContext
) -> None:
    """Ask every kind of route about the objects of every language, in a console whose views do nothing."""
    publication.reload(languages=[*LANGUAGES])
    pipeline_of(publication).prepare()
    app = create_console(console_context, tuple(replace(one, view=_done) for one in ROUTES))
    now, surprises, kinds = publication.clock.now(), [], set[object]()
    languages = by_lane((None, "ar"), (None, *LANGUAGES))
    for grant in (Grant(role, language) for role in Role for language in languages):
        client = browser(app, begin(publication, grant.role, grant.language, "en", now))
        kinds.clear()
        for route, method in cases():
            is_of_object = route.about in {About.ISSUE, About.PATH}
            for language in LANGUAGES if is_of_object else ("en",):
                kind = (route.access, route.about, method, language)
                if route.access is Access.PUBLIC or kind in kinds:
                    continue
                kinds.add(kind)
                status = client.open(path_of(route, language), method=method).status_code
                if status != (204 if lets_in(route, grant, language) else 403):
                    surprises.append((route.path, method, language, grant, status))
    assert surprises == []
    assert len(kinds) > 15 * len(LANGUAGES)


def _done(_request: object, **_parts: object) -> flask.Response:
    return flask.Response(status=204)


def test_each_form_that_needs_a_permission_is_in_the_matrix() -> None:
    """The slow lane sends each of these as everybody: see `test_permission_matrix`."""
    changing = {
        one.path
        for one in ROUTES
        if isinstance(one.access, Permission) and {*one.methods} & {*UNSAFE}
    }
    assert changing == {*FORMS}


def test_each_page_answers_whom_it_is_for(sign_in: SignIn) -> None:
    # An administrator, who is refused nothing, asks for all of them below.
    for role in by_lane((Role.TRANSLATOR,), tuple(Role)):
        client = sign_in(role)
        for route, method in cases():
            if method == "GET" and route.access is not Access.PUBLIC:
                answer = client.get(path_of(route))
                answer.close()
                is_refused = answer.status_code == 403
                assert is_refused is not lets_in(route, Grant(role)), (route.path, role)
                assert answer.status_code < 500, (route.path, role)


def test_nobody_gets_anything_but_the_way_to_sign_in(nobody: FlaskClient) -> None:
    for route, method in cases():
        if route.access is Access.PUBLIC:
            continue
        answer = nobody.open(path_of(route), method=method)
        if method == "GET":
            assert answer.status_code == 303, route.path
            assert answer.headers["Location"].startswith(f"{SIGN_IN_PATH}?next=/")
        else:
            assert answer.status_code == 401, route.path


def test_what_needs_a_fresh_proof_asks_for_one(sign_in: SignIn) -> None:
    client = sign_in(ago=timedelta(minutes=11))
    for route, method in cases():
        answer = client.open(path_of(route), method=method)
        answer.close()
        if route.needs_fresh and route.unproved is not None:
            # The page with the form again, or that its object is in no state for it.
            assert answer.status_code in {403, 409}, route.path
        elif route.needs_fresh:
            assert answer.headers["Location"].startswith(PROVE_PATH), (route.path, method)


def test_every_page_is_in_the_language_of_the_account(sign_in: SignIn) -> None:
    sign_in("viewer")  # paths are about the first account, which forms recover and disable
    for pages in by_lane(("ar",), CONSOLE_LANGUAGES):
        direction = "rtl" if pages == "ar" else "ltr"
        client, looked = sign_in(pages=pages), 0
        for path in ("/issues/", "/issues/day/weekly/2026-01-16/"):
            assert client.get(path).status_code == 200, path
        for route, method in cases():
            answer = client.open(path_of(route), method=method)
            if is_own_page(answer):
                looked += 1
                assert f'<html lang="{pages}" dir="{direction}">' in answer.text, route.path
            answer.close()
        assert looked > 100


def is_own_page(answer: TestResponse) -> bool:
    """Tell pages of the console from redirects, files, parts of pages, and previews in a sandbox."""
    is_page = answer.mimetype == "text/html" and not 300 <= answer.status_code < 400
    is_part = answer.request.path.endswith("/progress/") and answer.status_code == 200
    return (
        is_page and not is_part and "sandbox" not in answer.headers["Content-Security-Policy"]
    )


def answers(client: FlaskClient) -> Iterator[tuple[str, str, TestResponse]]:
    for path in (*dict.fromkeys(map(path_of, ROUTES)), "/nowhere", "/-/nowhere"):
        for method in METHODS:
            yield path, method, client.open(path, method=method)


def test_every_answer_is_protected(sign_in: SignIn, nobody: FlaskClient) -> None:
    for path, method, answer in chain(answers(nobody), answers(sign_in())):
        assert ALWAYS - {*answer.headers.keys()} == set(), (method, path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors" in policy, path
        assert "unsafe" not in policy or "sandbox" in policy, path
        assert answer.status_code < 500, (method, path)
        answer.close()


ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8090"},
    {"Origin": "http://localhost:8100"},
    {"Origin": "null"},
    {},
)


def test_no_other_site_can_send_a_form(sign_in: SignIn, publication: PublicationFolder) -> None:
    client = sign_in()
    del client.environ_base["HTTP_SEC_FETCH_SITE"]
    before = everything(publication)
    forms = [(route, method) for route, method in cases() if method != "GET"]
    for number, (route, method) in enumerate(forms):
        # In the lane each form comes from one of these places, and forms from each of them.
        for fields in ELSEWHERE[by_lane(number % 5, 0) :: by_lane(5, 1)]:
            answer = client.open(path_of(route), method=method, headers=fields)
            assert answer.status_code == 403, (route.path, fields)
    assert everything(publication) == before


def test_reading_changes_nothing(sign_in: SignIn, publication: PublicationFolder) -> None:
    client = sign_in()
    before = everything(publication)
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in dict.fromkeys(map(path_of, ROUTES)):
            client.open(path, method=method, query_string={"do": "all"}).close()
    assert everything(publication) == before


# --- what no browser sends

# What numbers, dates, names and texts are not: too large, in other digits, not for a database.
VALUES = (
    *("9" * 1999, "-1", "²", "a\0b\ud800", "\r\nX: \u2028\u202e"),
    *("9999-12-31T23:59", "0001-01-01T00:00", "[]", "../../etc/passwd' OR 1=1 --"),
)
FIELDS = (
    *("email", "password", "code", "next", "answer", "label", "invitation", "language"),
    *("number", "kind", "value", "story", "edit", "manifest", "note", "changes", "at", "why"),
    *("name", "to", "act", "preheader", "opening", "everywhere"),
    *("reason", "until", "wanted", "key", "seen", "source", "lost", "role", "scope", "days"),
    *("session", "subject", "text", "how", "address", "as", "length", "more", "confirmed"),
    *("name.en", "affiliation.ar", "aliases", "url", "undo", "approval", "schedule"),
)
# What a form chooses from, so that the other fields are read.
CHOSEN: dict[str, dict[str, str]] = {
    "/issues/<issue>/edits/": {"kind": "move"},
    "/issues/day/<newsletter>/<day>/move/": {"language": "ar"},
    "/issues/day/<newsletter>/<day>/skip/": {"language": "ar", "sure": "yes"},
    "/issues/<issue>/preview/test/": {"language": "ar"},
    "/next/<newsletter>/test/": {"language": "ar"},
    "/keys/": {"days": "30", "scope": "view"},
}
POSTS = [one for one in ROUTES if one.methods == ("POST",) and one.path != SIGN_OUT_PATH]


def values_for(number: int) -> Sequence[str]:
    """Give a route's values: in the lane every fourth, and each of them for some route."""
    return VALUES[number % 4 :: 4] if by_lane(change=True, night=False) else VALUES


def test_no_value_of_a_field_is_a_fault_of_the_console(sign_in: SignIn) -> None:
    client, faults = sign_in(), []
    for number, route in enumerate(POSTS):
        for value in values_for(number):
            form = {name: value.encode("utf-8", "surrogatepass") for name in FIELDS}
            answer = client.post(path_of(route), data=form | CHOSEN.get(route.path, {}))
            answer.close()
            if answer.status_code >= 500:
                faults.append((route.path, value[:20]))
    assert faults == []


def test_no_query_is_a_fault_of_the_console(sign_in: SignIn) -> None:
    client, faults = sign_in(), []
    names = (
        "before",
        "old",
        "new",
        "as",
        "length",
        "more",
        "from",
        "done",
        "after",
        "lang",
        "q",
        "state",
    )
    for number, route in enumerate(one for one in ROUTES if "GET" in one.methods):
        for value in values_for(number):
            text = value.encode("utf-8", "replace").decode()
            for query in [dict.fromkeys(names, text)] if "as" not in text else []:
                answer = client.get(path_of(route), query_string=query)
                answer.close()
                if answer.status_code >= 500:
                    faults.append((route.path, value[:20]))
    assert faults == []


def test_no_host_is_a_fault_of_the_console(sign_in: SignIn) -> None:
    client = sign_in()
    ports = ("localhost:8090 x", "localhost:abc", "localhost:99999", "localhost:")
    for host in (*ports, "localhost/evil", "x@localhost:8090", "[::1"):
        for path in ("/", "/issues/", "/previews/x/mail-light/"):
            status = client.get(path, headers={"Host": host}).status_code
            assert status in {303, 421}, host


def test_a_number_in_a_path_is_one_that_a_database_can_store(sign_in: SignIn) -> None:
    client = sign_in()
    for huge in ("9" * 30, "9" * 18, str(2**31)):
        for path in ("/subscribers/", "/accounts/", "/translations/ar/"):
            assert client.get(f"{path}{huge}/").status_code == 404
        edited = {"kind": "move", "value": "1", "story": huge, "edit": huge}
        for path in ("/subscribers/1/erase/", "/issues/weekly-ar-2026-01-09/edit/"):
            assert client.post(path, data=edited).status_code < 500
        assert client.get(f"/audit/?before={huge}").status_code == 200


def test_erasing_asks_for_a_factor_shown_just_now_and_leads_back_to_its_page(
    sign_in: SignIn,
) -> None:
    client = sign_in(ago=timedelta(minutes=11))
    here = "/subscribers/1/"
    asked = client.post(here + "erase/")
    assert asked.headers["Location"] == f"/sign-in/again/?next={here}&again=yes"
    # Back to the page that had the button, as the browser names it, and never to another host.
    for referrer, back in (
        ("http://localhost:8090/subscribers/", "/subscribers/"),
        ("https://evil.example//evil.example/", here),
        ("https://evil.example/no-such-page/", here),
    ):
        answer = client.post(here + "erase/", headers={"Referer": referrer})
        assert answer.headers["Location"] == f"/sign-in/again/?next={back}&again=yes"
