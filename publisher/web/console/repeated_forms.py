"""A form that is sent twice, by a double click or when its answer is loaded again, is carried out once.

Its page gives it a key, `once`. What was answered is kept in memory for some minutes, so that whoever clicked twice
still sees the secret that is shown once; later the form is refused. After a restart nothing of it is known.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import flask

from publisher.errors import RepeatedFormError

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.clock import Clock

# The field of a form that has its key.
FIELD = "once"
KEPT_ANSWER = timedelta(minutes=10)
# Forms that are remembered, the latest. One without its answer has some 200 bytes.
_MOST = 10_000
_OK = range(400)


@dataclass(slots=True)
class _Sent:
    """A form: when it was carried out, and its answer. Of several that are sent at once, one has the lock."""

    lock: Lock = field(default_factory=Lock)
    at: datetime | None = None
    answer: flask.Response | None = None


class RepeatedForms:
    """The latest forms with a key. Safe among threads."""

    def __init__(self) -> None:
        self._sent: OrderedDict[object, _Sent] = OrderedDict()
        self._lock = Lock()

    def answer(
        self, form: object, clock: Clock, carry_out: Callable[[], flask.Response]
    ) -> flask.Response:
        """Carry out a form, or return what it was answered. Raise RepeatedFormError if that is forgotten.

        `form` is all that makes it this one: sender, path, fields. One that was refused may be sent again.
        """
        sent = self._find(form, clock.now())
        with sent.lock:
            if sent.at is None:
                response = carry_out()
                if response.status_code in _OK:
                    sent.at, sent.answer = clock.now(), _copy(response)
                return response
            if sent.answer is None:
                raise RepeatedFormError
            return _copy(sent.answer)

    def _find(self, form: object, now: datetime) -> _Sent:
        with self._lock:
            for one in self._sent.values():
                if one.at is not None and one.at + KEPT_ANSWER <= now:
                    one.answer = None
            found = self._sent.setdefault(form, _Sent())
            while len(self._sent) > _MOST:
                self._sent.popitem(last=False)
        return found


def _copy(response: flask.Response) -> flask.Response:
    # Header fields of every answer are added to what is returned.
    return flask.Response(
        response.get_data(), response.status_code, [*response.headers], direct_passthrough=False
    )
