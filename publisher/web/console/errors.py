"""Pages of errors. Those that people can mend have a sentence, others a number; the log has the rest."""

import re
from collections.abc import Callable, Sequence

import flask
from werkzeug.exceptions import HTTPException

from publisher import errors
from publisher.log import log
from publisher.rendering.console import CONSOLE_LANGUAGES
from publisher.web.console.context import ConsoleContext, ConsoleRequest
from publisher.web.pages import errors as page_errors

# Fields that are sent back by no page: passwords, one-time passwords, invitations.
_SECRETS = frozenset({"password", "code", "invitation"})
# What people write has other characters than hashes, numbers and keys of a form.
_NO_WORDS = re.compile(r"[\w.:+-]*", re.ASCII)
# Statuses with words of their own; others get those of 400 or 500.
_KNOWN = frozenset({400, 401, 403, 404, 405, 409, 413, 421, 429, 500, 503})


def register(app: flask.Flask, context: ConsoleContext) -> None:
    handlers: dict[type[Exception], Callable[..., flask.Response]] = {
        HTTPException: _refused,
        errors.LimitError: _limited,
        errors.DatabaseError: _busy,
        errors.ForbiddenError: _forbidden,
        errors.RenderingError: _failed,
        errors.PublisherError: _not_done,
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        app.register_error_handler(kind, lambda error, handler=handler: handler(context, error))


def console_error(
    context: ConsoleContext,
    status: int,
    *,
    sentence: str = "",
    number: str = "",
    retry_after: int | None = None,
    form: Sequence[tuple[str, str]] = (),
) -> flask.Response:
    """Return the page of a status. `sentence` is English, and says what to do; `form` can be sent again."""
    kind, request = page_errors.known_status(status, _KNOWN), _request(context)
    response = request.page(
        "error.html",
        status,
        kind=kind,
        sentence=sentence,
        number=number,
        done="",
        form_again=form,
        words=[value for _name, value in form if not _NO_WORDS.fullmatch(value)],
    )
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def log_refusal(reason: str, request: ConsoleRequest | None, **details: object) -> None:
    signed_in = request.signed_in if request else None
    log.warning(
        "a request to the console was refused",
        reason=reason,
        method=flask.request.method,
        route=str(flask.request.url_rule),
        who=signed_in.actor.name if signed_in else "nobody",
        **details,
    )


def _request(context: ConsoleContext) -> ConsoleRequest:
    """Return the request, or that of nobody if the database can't say who sent it."""
    found: ConsoleRequest | None = flask.g.get("console_request")
    if found is not None:
        return found
    settings = context.current_settings()
    return ConsoleRequest(
        context=context,
        state=context.state(settings, may_write=False),
        language=CONSOLE_LANGUAGES[0],
        network="",
    )


def _refused(context: ConsoleContext, error: HTTPException) -> flask.Response:
    return page_errors.with_error_headers(error, console_error(context, error.code or 500))


def _limited(context: ConsoleContext, error: errors.LimitError) -> flask.Response:
    return console_error(context, 429, retry_after=error.retry_after)


def _busy(context: ConsoleContext, error: Exception) -> flask.Response:
    page_errors.record_refusal(error)
    return console_error(context, 503, retry_after=page_errors.RETRY_SECONDS, form=form_again())


def form_again() -> list[tuple[str, str]]:
    """Return the fields of a form of our own pages, which can be sent again; nothing for one with a secret or a file."""
    # Without it, nobody has looked yet whose form it is.
    if flask.g.get("console_request") is None or flask.request.files:
        return []
    fields = [*flask.request.form.items(multi=True)]
    return [] if _SECRETS & {name for name, _value in fields} else fields


def _forbidden(context: ConsoleContext, error: Exception) -> flask.Response:
    log_refusal(str(error), flask.g.get("console_request"))
    return console_error(context, 403, form=form_again())


def _not_done(context: ConsoleContext, error: Exception) -> flask.Response:
    """Answer with the sentence: what does not exist is not found, what can't be done now conflicts."""
    status = 404 if isinstance(error, errors.UsageError) else 409
    return console_error(context, status, sentence=str(error), form=form_again())


def _failed(context: ConsoleContext, error: Exception) -> flask.Response:
    return console_error(
        context, 500, number=page_errors.record_fault("a request failed", error)
    )
