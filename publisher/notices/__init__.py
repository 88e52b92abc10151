"""Mails about a subscription: a ledger of their own, sent before issues."""
