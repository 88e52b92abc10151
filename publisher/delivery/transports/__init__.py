"""Transports: the interface (`base`), and the outbox, which is the default."""
