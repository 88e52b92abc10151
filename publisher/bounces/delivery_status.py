"""Read delivery status notifications (RFC 3464, RFC 6533). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from publisher.bounces.diagnosis import Diagnosis, diagnose_refusal
from publisher.bounces.incoming_mail import field, status_groups
from publisher.bounces.model import BounceKind, RecipientVerdict
from publisher.delivery import causes

DELIVERY_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LOCAL_PROGRAM = re.compile(r"x-unix\b", re.IGNORECASE)
_DONE = frozenset({"delivered", "relayed", "expanded"})


def status_recipients(part: Message, notice: str) -> Iterator[RecipientVerdict]:
    """Yield what a machine-readable part says of each recipient.

    `notice` is the text for people, which counts where the fields say nothing.
    """
    found = [(group, _address(group)) for group in status_groups(part)]
    about = [(group, name) for group, name in found if name or group.get("Action")]
    for group, address in about:
        yield _verdict(group, address, notice if len(about) == 1 else "")


def _address(group: Message) -> str:
    """Return the address that we sent to; a forwarding server names another one as the final."""
    for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient"):
        value = field(group, name).rpartition(";")[2].strip(" <>\"'")
        if "@" in value:
            return value
    return ""


def _verdict(group: Message, address: str, notice: str) -> RecipientVerdict:
    action = field(group, "Action").lower().split(" ")[0].strip(";,")
    status = next(iter(_STATUS_CODE.findall(field(group, "Status"))), "")
    words = " ".join(
        value
        for value in (field(group, "Diagnostic-Code"), field(group, "X-Supplementary-Info"))
        if value
    )
    if action in _DONE or (not action and status.startswith("2")):
        return RecipientVerdict(address, BounceKind.DELIVERED, None, status, words)
    if action == "delayed":
        return RecipientVerdict(address, BounceKind.DELAYED, None, status, words)
    found = _diagnosis(status, words, notice, address.rpartition("@")[2])
    return RecipientVerdict(address, found.kind, found.cause, found.status, words or notice)


def _diagnosis(status: str, words: str, notice: str, domain: str) -> Diagnosis:
    found = diagnose_refusal(status, words, domain)
    if found.kind is BounceKind.DEAD and _LOCAL_PROGRAM.match(words):
        # A program that delivers on the server failed; its words may be about anything.
        return Diagnosis(BounceKind.SOFT, causes.NOT_KNOWN, found.status)
    if found.is_vague and notice:
        other = diagnose_refusal(status, notice, domain)
        if not other.is_vague:
            return other
    return found
