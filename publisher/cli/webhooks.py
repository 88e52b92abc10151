"""`publisher webhooks`: tell other programs what happened, by signed requests."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
    print_json,
)
from publisher.cli.terminal_text import echo
from publisher.cli.webhook_output import (
    delivery_as_json,
    delivery_as_line,
    webhook_as_json,
    webhook_as_line,
)
from publisher.cli.webhooks_change import NumberArgument, register
from publisher.errors import UsageError

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
    from publisher.app.webhooks import add_webhook

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
    from publisher.app.webhooks import list_webhooks

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
    from publisher.app.webhooks import send_test_event

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
    from publisher.app.webhooks import list_webhook_deliveries

    if state is not None and state not in _STATES:
        raise UsageError(f"--state: {state!r} is not a state; use one of: {', '.join(_STATES)}")
    with editing(directory, acting) as (editors, actor):
        listed = list_webhook_deliveries(editors, actor, number, state, limit)
    if as_json:
        print_json([delivery_as_json(one) for one in listed])
    else:
        echo("\n".join(map(delivery_as_line, listed)) or "nothing was queued for it")
