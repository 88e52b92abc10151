"""ADDRESS: a frozen digest and a reader in, one complete message out. Pure.

Knows no ledger, no transport and no check.
"""

from publisher.mail.compiled import CompiledMail, compile_mail, compose_message
from publisher.mail.message import IssueMail, Message

__all__ = ["CompiledMail", "IssueMail", "Message", "compile_mail", "compose_message"]
