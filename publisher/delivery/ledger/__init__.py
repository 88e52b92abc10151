"""The ledger's operations. Each transition of `publisher.delivery.states` is one guarded UPDATE.

    lifecycle   open an issue's ledger; pause, resume, cancel and finish the issue
    opening     a row for everybody in the audience (with `received`, `catch_up`, `variant_rows`)
    left_out    what other issues left out for a mail that is not sent after all
    local_times the hour and time zone of each row
    leases      which runs are sending, and what happens to the rows of a dead one
    claims      rows are claimed for a lease, postponed and released
    attempts    rows are reserved before a message may leave, and settled after it
    recheck     a last check before a message leaves
    doubts      rows in doubt: listed, sent again, or taken for sent
    counts      rows by state
    reports     who did not get an issue, and why

Transactions are the caller's.
"""
