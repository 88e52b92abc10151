"""SEND: one message per reader, once.

sending       a turn: ledgers are opened, what is due is sent, issues end
running       couriers at work, the clerk writing for them
ledger/       the verbs; every arrow of `states` is one guarded UPDATE
transports/   where messages go: the outbox
smtp/         a mail server, spoken to phase by phase
rates/        how fast, kept in the database
"""
