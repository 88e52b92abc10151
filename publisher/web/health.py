"""`/healthz`: whether this process can serve, for containers and monitors.

Anybody may ask, so an answer names no person, path or address; the log has the details.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HEALTH_PATH = "/healthz"


def with_health(
    application: WSGIApplication, find_problem: Callable[[], str]
) -> WSGIApplication:
    """Return an application that answers HEALTH_PATH by 200 or, with the reason, by 503, whatever the host.

    `find_problem` returns it, or nothing.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != HEALTH_PATH:
            return application(environ, start_response)
        problem = find_problem()
        body = f"{problem or 'ok'}\n".encode("ascii")
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        fields += [("Content-Length", str(len(body)))]
        start_response("503 Service Unavailable" if problem else "200 OK", fields)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    return answer
