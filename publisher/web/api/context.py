"""What operations get: the state, who sent the request, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.errors import ApiRequestError, ForbiddenError

if TYPE_CHECKING:
    from publisher.app.console_state import ConsoleState
    from publisher.app.source_tests import SourceTests
    from publisher.clock import Clock
    from publisher.config import Settings
    from publisher.rendering import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """What all requests share. `hosts` are further names of this server."""

    current_settings: Callable[[], Settings]
    opened: ConsoleState
    clock: Clock
    hosts: frozenset[str] = frozenset()

    def state(self, *, may_write: bool) -> EditingState:
        """Return what verbs of editors work with; without `may_write` it refuses changes."""
        return EditingState(
            settings=self.current_settings(),
            database=self.opened.writing if may_write else self.opened.reading,
            secret=self.opened.secret,
            clock=self.clock,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """A request that was let in and checked. `query` and `body` are values of the operation's models.

    `revision` is that of the file that the client has read, if a change of it names one.
    """

    state: EditingState
    actor: Actor
    query: Any
    body: Any
    renderer: Renderer
    source_tests: SourceTests
    revision: str | None = None

    def require_revision(self, now: str) -> None:
        """Raise ApiRequestError (412) if a file is not as the client has read it."""
        if self.revision != now:
            raise ApiRequestError("somebody has changed the file meanwhile; read it again", 412)

    def permitted(self, permission: Permission, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the languages, of some, in which the key gives a permission."""
        return tuple(one for one in languages if self.actor.permits(permission, one))

    def languages(self, permission: Permission, wanted: str | None) -> tuple[str, ...]:
        """Return the languages to list: the one that is asked for, or all that the key permits.

        Raise ForbiddenError if that is none.
        """
        known = self.state.settings.publication.languages
        found = self.permitted(permission, known if wanted is None else (wanted,))
        if not found:
            raise ForbiddenError(self.actor.name, permission, wanted)
        return found
