"""The tables [feedback.<provider>]: webhooks of mail providers. Secrets come from the environment."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from publisher.config.values import ConfigTable, require_list

# The environment variable with the last part of the webhooks' paths.
FEEDBACK_SECRET: Final = "PUBLISHER_FEEDBACK_SECRET"  # noqa: S105  # the variable's name
# Mailgun's "HTTP webhook signing key".
MAILGUN_KEY: Final = "PUBLISHER_MAILGUN_KEY"
# `user:password` that Postmark's requests must have (basic authentication). Postmark signs nothing.
POSTMARK_LOGIN: Final = "PUBLISHER_POSTMARK_LOGIN"
FEEDBACK_SECRETS: Final = (FEEDBACK_SECRET, MAILGUN_KEY, POSTMARK_LOGIN)


class SesFeedback(ConfigTable):
    """The table [feedback.ses]: Amazon SES, by SNS."""

    # ARNs of the topics that are believed.
    topics: Annotated[tuple[str, ...], BeforeValidator(require_list)] = Field(min_length=1)


class SendgridFeedback(ConfigTable):
    """The table [feedback.sendgrid]."""

    # The verification key of the signed event webhook, as SendGrid shows it.
    public_key: str = Field(min_length=1)


class PostmarkFeedback(ConfigTable):
    """The table [feedback.postmark], which has no keys."""


class MailgunFeedback(ConfigTable):
    """The table [feedback.mailgun], which has no keys."""


class FeedbackSettings(ConfigTable):
    """The table [feedback]. A provider whose table is there may send events."""

    ses: SesFeedback | None = None
    sendgrid: SendgridFeedback | None = None
    postmark: PostmarkFeedback | None = None
    mailgun: MailgunFeedback | None = None

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of providers that may send events."""
        return tuple(name for name in type(self).model_fields if self.has(name))

    def has(self, provider: str) -> bool:
        """Return whether a provider of this name may send events."""
        return provider in type(self).model_fields and getattr(self, provider) is not None
