"""ADDRESS: a frozen digest and a reader in, one complete message out. Pure.

Knows no ledger, no transport and no check.
"""

from publisher.composing.compiled import Compiled, compile_letter, compose
from publisher.composing.message import Letter, Message

__all__ = ["Compiled", "Letter", "Message", "compile_letter", "compose"]
