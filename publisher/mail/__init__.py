"""ADDRESS: build one complete message for each recipient, of an issue or about a subscription. Pure.

The ledger and the transports are in `publisher.delivery`, the checks of a mail in
`publisher.gate`.
"""

from publisher.mail.compiled import CompiledMail, compile_mail, compose_message
from publisher.mail.message import IssueMail, Message, SubscriptionMail
from publisher.mail.subscription_message import compose_subscription_message

__all__ = [
    "CompiledMail",
    "IssueMail",
    "Message",
    "SubscriptionMail",
    "compile_mail",
    "compose_message",
    "compose_subscription_message",
]
