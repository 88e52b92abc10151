"""What a route of the console is, and whom it lets in. Pure.

A module of pages has `ROUTES`, a table of these; each stands above its view. A route without access can't be made, and one about
a language's text has to say where its language comes from. A new module is listed in `application`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import flask

from publisher.app.editing_state import Actor, Permission
from publisher.web.api.operations import About
from publisher.web.security import MAX_BODY_BYTES


class Access(Enum):
    """Who may use a route that needs no permission. `PUBLIC` is for signing in, and for files."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path, its methods, the view that answers, and who may use it.

    `view` takes a `ConsoleRequest` and the parts of the path. `menu` is the key of its word (`console/words.html`).
    With `needs_fresh`, whoever has not shown a factor for a while is asked to: on a page of its own, or by
    `unproved`, a view that shows the form again with what was typed.
    """

    path: str
    view: Callable[..., flask.Response]
    access: Access | Permission
    methods: tuple[str, ...] = ("GET",)
    about: About = About.NOTHING
    menu: str = ""
    needs_fresh: bool = False
    unproved: Callable[..., flask.Response] | None = None
    max_body: int = MAX_BODY_BYTES

    def __post_init__(self) -> None:
        """Raise ValueError for a route that would let in others than it says."""
        if not isinstance(self.access, Access | Permission):
            raise ValueError(f"{self.path}: {self.access!r} is no access")  # noqa: TRY004  # one kind of error for all
        self.about.require_part(self.path, self.access)

    @property
    def endpoint(self) -> str:
        return f"{' '.join(self.methods)} {self.path}".replace(".", " ")

    def permits(self, actor: Actor, languages: Iterable[str | None]) -> bool:
        """Return whether somebody who is signed in may use it in one of these languages, or for all (None)."""
        if not isinstance(self.access, Permission):
            return True
        return any(actor.permits(self.access, language) for language in languages)


View = TypeVar("View", bound="Callable[..., flask.Response]")


class RouteTable(list[Route]):
    """The routes of a module, in the order of their views."""

    def add(
        self, route: str, access: Access | Permission, **values: Any
    ) -> Callable[[View], View]:
        """Return what adds the route of a view, with a text like `GET /issues/`, about the issue or the language that its path names."""
        method, path = route.split(" ")

        def register(view: View) -> View:
            given = {"about": About.of_path(path)} | values
            self.append(Route(path=path, methods=(method,), view=view, access=access, **given))
            return view

        return register
