"""ADDRESS: a frozen digest and a reader in, one complete message out. Pure.

Knows no ledger, no transport and no check.
"""

from publisher.composing.message import Letter, Message, compose

__all__ = ["Letter", "Message", "compose"]
