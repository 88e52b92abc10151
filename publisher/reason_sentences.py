"""Reasons of `subscribers`, which translates nothing, as sentences that pages show in other languages."""

from __future__ import annotations

from publisher.messages import message, packed
from subscribers import RowReason


def reason_sentence(reason: str) -> str:
    """Return the sentence of a RowReason; any other text as it is."""
    if not isinstance(reason, RowReason):
        return reason
    values = {
        name: reason_sentence(one) if isinstance(one, str) else one
        for name, one in reason.values.items()
    }
    return message(reason.template, **values)


def packed_reason(reason: str) -> str:
    """Return a reason as one text that keeps its template, to be stored (`publisher.messages.unpacked`)."""
    return packed(reason_sentence(reason))
