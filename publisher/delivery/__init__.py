"""Send each recipient one message of an issue, once.

                    publisher.delivery.dispatcher: one run after the other
    database                              |                                       other side
    ┌─────────────┐  claim, reserve  ┌────┴────────┐  put   ┌───────────┐ take  ┌────────────┐
    │ delivery    │ ───────────────> │ LedgerWriter│ ─────> │ WorkQueue │ ────> │ SendWorker │──> server
    │ (the ledger)│ <─────────────── │ + FairQueue │ <───── │ per worker│ <──── │ x N        │<── reply
    └─────────────┘  results         └─────────────┘ drain  └───────────┘ finish└────────────┘

One thread writes, N threads send. Each turn of the writer is one transaction:

1. In it (`write`): renew the lease. Write the results that workers have finished. Claim due rows,
   pass them through the rate limits, and make as many `attempting` as workers need. COMMIT.
2. After it (`after_commit`): give these rows to the workers; let the transport place messages
   that are now committed as sent (the outbox; SMTP has nothing to do).
3. A worker checks once more that a row is wanted, composes its message, sends it, and returns the
   outcome. It renews nothing: past three quarters of the lease, the fence stops it before the
   point of no return of each message.

What holds when the process is killed, at any point:

- Before a commit: nothing of that turn has happened. No worker had the rows.
- `claimed` rows are free again. `attempting` rows may have been sent: `in_doubt` by SMTP, sent
  again by the outbox, where twice is the same as once. There are at most `prefetch` of them per
  worker. A result that was not committed is one of these.
- The kernel unlocks the lock file, so the next run, of any process, revokes the lease at once. A
  process that was only stopped finds the lease lost and sends nothing more.

    dispatcher    opens ledgers, runs the loop, finishes issues        worker_pool   the loop
    ledger/       the transactions' statements                         rates/        the rate limits
    transports/   the interface, and the outbox                        smtp/         mail servers
"""
