"""Send test mails, each as a subscriber or nobody in particular would get it."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues.preview import MailPreview, dead_link_secret
from publisher.app.subscribers.uploaded_lists import reason_sentence
from publisher.delivery.job import issue_mail
from publisher.delivery.transports import base as transports
from publisher.delivery.transports import create_transport
from publisher.errors import LimitError, UsageError
from publisher.i18n.messages import message
from publisher.mail import compile_mail
from publisher.mail.dkim import DkimSigner
from publisher.mail.dkim_keys import load_signers
from publisher.rendering import Renderer, views
from publisher.request_limits import Limit, LimitKeys, check_limit
from subscribers.addresses import normalise_address
from subscribers.errors import BadAddressError

# Test mails of one account. More would make of the console a way to mail strangers.
TEST_MAIL_LIMIT = Limit(per=30, burst=30, period=timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTest:
    """One test mail; `problem` is why it was not sent."""

    preview: MailPreview
    address: str
    problem: str | None = None


def send_tests(
    state: EditingState,
    renderer: Renderer,
    actor: Actor,
    previews: Sequence[MailPreview],
    addresses: Sequence[str],
) -> list[SentTest]:
    """Send each of some mails to each address; what could not be sent is in the result. No ledger has a test; its links do nothing."""
    for preview in previews:
        actor.require(Permission.SEND_TEST, preview.issue.language)
    to = list(dict.fromkeys(map(_address, addresses)))
    if not (to and previews):
        raise UsageError.saying("a test mail needs an address and a language")
    transport, signers = create_transport(state.settings), load_signers(state.settings)
    _record(state, actor, previews, len(to))
    return list(_Sender(state, renderer, transport, signers).send(previews, to))


def _address(to: str) -> str:
    try:
        return normalise_address(to).address
    except BadAddressError as error:
        raise UsageError(reason_sentence(str(error))) from None


def _record(
    state: EditingState, actor: Actor, previews: Sequence[MailPreview], addresses: int
) -> None:
    """Count the mails of an account, and record that they are about to be sent, and how many."""
    details = {
        "issues": [preview.issue.name for preview in previews],
        "addresses": addresses,
        "as": "subscriber" if previews[0].viewer.subscriber_id is not None else "nobody",
    }
    with state.changing(actor, "send-test", previews[0].issue.newsletter, details) as change:
        if actor.account_id is None:
            return
        key = LimitKeys(state.secret).key("test mails", actor.name)
        for _mail in range(len(previews) * addresses):
            wait = check_limit(change.connection, key, TEST_MAIL_LIMIT, state.clock.now())
            if wait is not None:
                raise LimitError(
                    message("at most %(most)s test mails an hour", most=TEST_MAIL_LIMIT.per),
                    wait,
                )


@dataclass(frozen=True, slots=True)
class _Sender:
    state: EditingState
    renderer: Renderer
    transport: transports.Transport
    signers: Sequence[DkimSigner]

    def send(self, previews: Sequence[MailPreview], to: Sequence[str]) -> Iterator[SentTest]:
        unreachable: str | None = None
        for preview, address in product(previews, to):
            problem = unreachable
            if unreachable is None:
                try:
                    problem = self._problem(preview, address)
                except transports.Unreachable as error:
                    # It is so for the others, too, and each try may take a minute.
                    problem = unreachable = str(error)
            yield SentTest(preview=preview, address=address, problem=problem)

    def _subject(self, preview: MailPreview) -> str:
        publication = views.site_view(self.state.settings, preview.issue.language)
        return f"[{self.renderer.test_mark(publication)}] {preview.source.subject}"

    def _problem(self, preview: MailPreview, address: str) -> str | None:
        outcome = transports.send_test_message(self.transport, self._outgoing(preview, address))
        return None if outcome.status == "accepted" else outcome.reason or outcome.status

    def _outgoing(self, preview: MailPreview, address: str) -> transports.OutgoingMessage:
        """Return a test message. It has its own Message-ID: mail programs show one of several equal."""
        issue, date, number = preview.issue, self.state.clock.now(), secrets.randbits(62)
        source = replace(preview.source, subject=self._subject(preview))
        mail = issue_mail(self.state.settings, issue, source)
        secret = f"{dead_link_secret(self.state.secret)}/{number}"
        recipient = replace(preview.recipient, address=address)
        return transports.OutgoingMessage(
            issue_id=number,
            folder=f"{issue.newsletter}/{issue.language}/test",
            envelope_from=self.transport.envelope_from(self.state.settings.publication.sender),
            recipient=address,
            message=compile_mail(mail, secret, self.signers).message(recipient, date),
        )
