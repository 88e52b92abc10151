"""ADDRESS: build one complete message for each recipient from a frozen digest. Pure.

The ledger and the transports are in `publisher.delivery`, the checks of a mail in
`publisher.gate`.
"""

from publisher.mail.compiled import CompiledMail, compile_mail, compose_message
from publisher.mail.message import IssueMail, Message

__all__ = ["CompiledMail", "IssueMail", "Message", "compile_mail", "compose_message"]
