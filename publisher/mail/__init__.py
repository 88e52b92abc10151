"""ADDRESS: build one complete message for each recipient, of an issue or about a subscription. Pure."""

from publisher.mail.compose import (
    CompiledMail,
    compile_mail,
    compose_message,
    compose_subscription_message,
)
from publisher.mail.message import IssueMail, Message, SubscriptionMail

__all__ = ["CompiledMail", "IssueMail", "Message", "SubscriptionMail", "compile_mail"]
__all__ += ["compose_message", "compose_subscription_message"]
