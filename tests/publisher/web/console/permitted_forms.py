"""A form for each route of the console that changes something by a permission, and what it is answered.

Each form is right for its state, so that only a permission can be missing: the matrix of routes, roles,
languages and objects sends it as everybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from publisher.accounts.model import Role


class Objects(Protocol):
    """What forms are about: objects of one language, as they are in a state."""

    language: str
    lost: int

    @property
    def issue(self) -> str: ...
    def manifest(self) -> str: ...
    def edit(self) -> int: ...
    def story(self) -> int: ...
    def people_hash(self) -> str: ...
    def settings_form(self) -> dict[str, str]: ...
    def import_file(self) -> Any: ...
    def picture_file(self) -> Any: ...


Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A right form. `state` is what its object has to be in, `parts` are those of its path.

    `status` is of its answer. `changes` says whether the database or a file is another one by it. `conflicts` are roles that the route is for, and this object is not: nothing changes.
    """

    fields: Callable[[Objects], Fields] | Fields = field(default_factory=dict)
    state: str = "waiting"
    status: int = 303
    parts: Mapping[str, str] = field(default_factory=dict)
    changes: bool = True
    conflicts: tuple[Role, ...] = ()
    # Whether its page gives it a key, so that it is carried out once (see `test_repeated_forms`).
    has_key: bool = False

    def fields_for(self, objects: Objects) -> dict[str, Any]:
        given = self.fields(objects) if callable(self.fields) else self.fields
        return {**given, "once": "a key"} if self.has_key else dict(given)


def _subject(_objects: Objects) -> Fields:
    return {"kind": "subject", "value": "Other words"}


def _leaving_out(objects: Objects) -> Fields:
    own = {"language": objects.language, "seen": f"{objects.language}:0"}
    return {"act": f"leave-out {objects.story()}", "why": "old", **own}


def _approval(objects: Objects) -> Fields:
    return {"manifest": objects.manifest()}


def _all_approvals(objects: Objects) -> Fields:
    own = {"name": objects.issue, "manifest": objects.manifest()}
    return {**own, "plan_hash": "", "recipients": ""}


def _language(**fields: str) -> Callable[[Objects], Fields]:
    return lambda objects: {"language": objects.language, **fields}


def _announcement(objects: Objects) -> Fields:
    tag = objects.language
    words = {f"subject-{tag}": "Closed", f"text-{tag}": "Until *Monday*."}
    return {**words, "newsletter": "weekly", "when": "held", "do": "store"}


ISSUE, ACCOUNT = "/issues/<issue>/", "/accounts/<int:number>/"
DAY, WEBHOOK = "/issues/day/<newsletter>/<day>/", "/webhooks/<int:number>/"
SUBSCRIBER, STORY = "/subscribers/<int:number>/", "/translations/<language>/<int:story>/"
# A list that was uploaded and looked at.
UPLOADED = {"key": "0123456789abcdef" * 2}
CORRECTION = {"subject": "Correction", "text": "Not *so*.", "how": "web"}
DRAFT = "/write/<language>/<int:number>/"
MISSING, CLAIMED, STALE = ({"story": one} for one in ("missing", "claimed", "stale"))

FORMS: dict[str, Form] = {
    # Of a line that is not on the page any more.
    "/aside/": Form({"fingerprint": "0" * 32}, changes=False),
    f"{ISSUE}edits/": Form(_subject),
    f"{ISSUE}edits/undo/": Form(lambda objects: {"edit": objects.edit()}, "edited"),
    f"{ISSUE}words/": Form({"subject": "Other words", "was.subject": "", "opening": ""}),
    f"{ISSUE}order/": Form(_leaving_out),
    f"{ISSUE}stories/": Form({"words": "Tides"}, status=200, changes=False),
    f"{ISSUE}correct/": Form(CORRECTION, "sent"),
    "/issues/announce/": Form(_announcement, has_key=True),
    f"{ISSUE}approve/": Form(_approval),
    f"{ISSUE}approve-all/": Form(_all_approvals),
    f"{ISSUE}request-changes/": Form(lambda objects: {**_approval(objects), "changes": "No"}),
    f"{ISSUE}schedule/": Form({"at": "2026-01-09T03:00"}, has_key=True),
    f"{ISSUE}send-now/": Form(state="ready"),
    f"{ISSUE}undo/": Form(state="soon"),
    f"{ISSUE}hold/": Form(),
    f"{ISSUE}skip/": Form({"why": "a holiday"}),
    f"{ISSUE}pause/": Form({"reason": "a fault"}, "sending"),
    f"{ISSUE}resume/": Form(state="paused"),
    f"{ISSUE}cancel/": Form({"reason": "a fault"}, "sending"),
    f"{ISSUE}doubts/resend/": Form(state="doubtful"),
    f"{ISSUE}doubts/mark-sent/": Form(state="doubtful"),
    f"{ISSUE}preview/": Form({"address": "ann-en@example.com"}, changes=False),
    f"{ISSUE}preview/test/": Form(_language(to="eve@example.org"), has_key=True),
    "/next/<newsletter>/": Form({"address": "ann-en@example.com"}, changes=False),
    "/next/<newsletter>/test/": Form(_language(to="eve@example.org"), has_key=True),
    "/calendar/address/": Form(has_key=True),
    f"{DAY}move/": Form(_language(to="2026-01-15T06:00"), has_key=True),
    f"{DAY}skip/": Form(_language(why="a holiday", sure="yes"), has_key=True),
    f"{DAY}restore/": Form(_language(), parts={"day": "2026-01-23"}),
    f"{STORY}claim/": Form({"until": "2026-01-20"}, parts=MISSING),
    f"{STORY}start/": Form(parts=MISSING),
    f"{STORY}give-up/": Form({"reason": "no time"}, parts=MISSING),
    # What another one has claimed, editors release.
    f"{STORY}release/": Form(parts=CLAIMED, conflicts=(Role.APPROVER, Role.TRANSLATOR)),
    f"{STORY}dismiss/": Form(parts=STALE),
    f"{STORY}write/": Form(parts=MISSING),
    "/write/": Form(_language(source="articles", title="New"), has_key=True),
    DRAFT: Form({"title": "Other", "text": "Words", "version": "1"}, has_key=True),
    f"{DRAFT}pictures/": Form(
        lambda objects: {"picture": objects.picture_file(), "alt": "A boat"}
    ),
    f"{DRAFT}discard/": Form(),
    "/translations/mine/feeds/": Form(has_key=True),
    "/subscribers/": Form({"address": "ann-en@example.com"}, changes=False),
    f"{SUBSCRIBER}unsubscribe/": Form({"newsletter": "weekly", "note": "asked"}),
    f"{SUBSCRIBER}resubscribe/": Form(
        {"newsletter": "weekly", "note": "asked"}, parts={"number": "left"}
    ),
    f"{SUBSCRIBER}erase/": Form({"sure": "yes"}),
    "/subscribers/import/": Form(lambda objects: {"list": objects.import_file()}),
    "/subscribers/import/<key>/begin/": Form(parts=UPLOADED),
    "/subscribers/import/<key>/discard/": Form(parts=UPLOADED),
    "/subscribers/export/": Form(status=200),
    "/accounts/": Form(
        {"email": "new@example.org", "name": "New", "role": "viewer"}, status=200, has_key=True
    ),
    f"{ACCOUNT}roles/": Form({"role": "viewer"}),
    f"{ACCOUNT}disable/": Form(),
    f"{ACCOUNT}enable/": Form(parts={"number": "disabled"}),
    f"{ACCOUNT}end-sessions/": Form(),
    f"{ACCOUNT}recover/": Form(status=200, has_key=True),
    "/webhooks/": Form({"url": "https://hook.example.org/"}, status=200, has_key=True),
    f"{WEBHOOK}test/": Form(status=200, has_key=True),
    f"{WEBHOOK}rotate/": Form(status=200, has_key=True),
    f"{WEBHOOK}enable/": Form(parts={"number": "disabled"}),
    f"{WEBHOOK}disable/": Form(),
    f"{WEBHOOK}remove/": Form(),
    "/sources/accept/": Form(
        lambda objects: {"source": "articles", "lost": objects.lost}, "held"
    ),
    "/sources/test/": Form({"source": "articles"}),
    "/people/": Form({"key": "new", "name": "New"}),
    "/people/<person>/": Form({"name.en": "Mira Other", "seen.name.en": "Mira"}),
    "/people/<person>/remove/": Form(lambda objects: {"seen": objects.people_hash()}),
    "/settings/<table>/": Form(
        lambda objects: objects.settings_form(), parts={"table": "weekly"}
    ),
}
