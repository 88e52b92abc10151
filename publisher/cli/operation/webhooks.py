"""`publisher webhooks`: tell other programs what happened, by signed requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    count_noun,
    editing,
    print_json,
    rfc3339_or_none,
)
from publisher.cli.exit_codes import echo
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.operation.webhooks import ListedWebhook, WebhookDelivery


def webhook_as_json(one: ListedWebhook) -> dict[str, Any]:
    """Return a webhook, for programs."""
    return {
        "webhook": one.webhook.id,
        "url": one.webhook.url,
        "events": list(one.webhook.events),
        "created": rfc3339_or_none(one.webhook.created_at),
        "disabled": rfc3339_or_none(one.webhook.disabled_at),
        "disabled_reason": one.webhook.disabled_reason,
        "deliveries": dict(one.deliveries),
    }


def webhook_as_line(one: ListedWebhook) -> str:
    """Return a webhook in a line, or two if it is disabled."""
    counts = ", ".join(f"{count} {state}" for state, count in one.deliveries.items())
    events = " ".join(one.webhook.events) or "all events"
    line = f"{one.webhook.id}  {one.webhook.url}  {events}  {counts}"
    disabled = one.webhook.disabled_reason
    return f"{line}\n    disabled: {disabled}" if disabled else line


def delivery_as_json(one: WebhookDelivery) -> dict[str, Any]:
    """Return an event for a webhook, for programs."""
    return {
        "id": one.event_id,
        "type": one.type,
        "data": dict(one.data),
        "occurred": rfc3339_or_none(one.occurred_at),
        "state": one.state,
        "attempts": one.attempts,
        "next_try": rfc3339_or_none(one.due_at) if one.state == "pending" else None,
        "last_answer": one.last_answer,
    }


def delivery_as_line(one: WebhookDelivery) -> str:
    """Return an event for a webhook in a line."""
    tried = count_noun(one.attempts, "attempt")
    line = f"{one.event_id}  {one.type}  {one.state}  {tried}"
    return f"{line}: {one.last_answer}" if one.last_answer else line


NumberArgument = Annotated[
    int, typer.Argument(metavar="WEBHOOK", help="Its number; `webhooks list` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("rotate", webhooks_rotate_command),
        ("enable", webhooks_enable_command),
        ("disable", webhooks_disable_command),
        ("remove", webhooks_remove_command),
    ):
        app.command(name, epilog=f"Example: publisher webhooks {name} 1")(command)


def webhooks_rotate_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Replace a webhook's secret. For 24 hours the old one signs, too."""
    from publisher.app.operation.webhooks import rotate_webhook

    with editing(directory, acting) as (state, actor):
        secret = rotate_webhook(state, actor, number)
    echo(f"webhook {number} has a new secret, which is not shown again:\n{secret}")


def webhooks_enable_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Send to a disabled webhook again, first what failed."""
    from publisher.app.operation.webhooks import enable_webhook

    with editing(directory, acting) as (state, actor):
        count = enable_webhook(state, actor, number)
    echo(f"webhook {number} is enabled; {count_noun(count, 'event')} will be sent again")


def webhooks_disable_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Send nothing more to a webhook until it is enabled; waiting events are marked as failed."""
    from publisher.app.operation.webhooks import disable_webhook

    with editing(directory, acting) as (state, actor):
        disable_webhook(state, actor, number)
    echo(f"webhook {number} is disabled")


def webhooks_remove_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Remove a webhook with what waits for it."""
    from publisher.app.operation.webhooks import remove_webhook

    with editing(directory, acting) as (state, actor):
        remove_webhook(state, actor, number)
    echo(f"webhook {number} is removed")


app = typer.Typer(
    no_args_is_help=True,
    help="Tell other programs what happened, by signed requests.",
    epilog="Example: publisher webhooks add https://example.org/hook --event issue.sent",
)

EventOption = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="TYPE",
        help="Only events of this type, like issue.sent; may be repeated.",
        show_default="all",
    ),
]
WebhookStateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="pending, delivered or failed.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
_STATES = ("pending", "delivered", "failed")

register(app)


@app.command("add", epilog="Example: publisher webhooks add https://example.org/hook")
def webhooks_add_command(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the requests go: https.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    event: EventOption = None,
    acting: ActorOption = None,
) -> None:
    """Add a webhook. Its secret is printed once."""
    from publisher.app.operation.webhooks import add_webhook

    with editing(directory, acting) as (state, actor):
        number, secret = add_webhook(state, actor, url, event or ())
    echo(f"webhook {number} is added. Its secret, which is not shown again:\n{secret}")


@app.command("list", epilog="Example: publisher webhooks list --json")
def webhooks_list_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the webhooks, with their deliveries of the last 30 days."""
    from publisher.app.operation.webhooks import list_webhooks

    with editing(directory, acting) as (state, actor):
        listed = list_webhooks(state, actor)
    if as_json:
        print_json([webhook_as_json(one) for one in listed])
    else:
        echo("\n".join(map(webhook_as_line, listed)) or "there are no webhooks")


@app.command("test", epilog="Example: publisher webhooks test 1")
def webhooks_test_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> int:
    """Send an event of the type webhook.test, and print the answer. Exit code 1 if it is refused."""
    from publisher.app.operation.webhooks import send_test_event

    with editing(directory, acting) as (state, actor):
        answer = send_test_event(state, actor, number)
    echo(f"webhook {number}: {answer.text}")
    return 0 if answer.is_accepted else 1


@app.command("deliveries", epilog="Example: publisher webhooks deliveries 1 --state failed")
def webhooks_deliveries_command(
    number: NumberArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    state: WebhookStateOption = None,
    limit: LimitOption = 20,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the latest events for a webhook, with the last answer. They are kept for 30 days."""
    from publisher.app.operation.webhooks import list_webhook_deliveries

    if state is not None and state not in _STATES:
        raise UsageError(f"--state: {state!r} is not a state; use one of: {', '.join(_STATES)}")
    with editing(directory, acting) as (editors, actor):
        listed = list_webhook_deliveries(editors, actor, number, state, limit)
    if as_json:
        print_json([delivery_as_json(one) for one in listed])
    else:
        echo("\n".join(map(delivery_as_line, listed)) or "nothing was queued for it")
