"""Send each recipient one message of an issue, once. ARCHITECTURE.md draws the loop.

dispatcher     opens ledgers (issue_opening), runs the loop, shows its progress, finishes issues
worker_pool    the loop: ledger_writer, queues, workers; lease_holder holds its lease
retry_policy   a row's next state and time; states and causes: which there are
ledger/        the transactions' statements, over tables; job renders variants and makes their rows due
lineage/       whether the database is an old copy, and what was sent since
rates/         the rate limits
transports/    the interface, the outbox, and smtp/
"""
