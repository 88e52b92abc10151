"""Send each recipient one message of an issue, once.

One thread writes to the ledger, N threads send; ARCHITECTURE.md draws the loop, and says what holds
when the process is killed.

    dispatcher    opens ledgers, runs the loop, finishes issues        worker_pool   the loop
    ledger/       the transactions' statements                         rates/        the rate limits
    transports/   the interface, the outbox, and smtp/                 causes        why a message was not sent
"""
