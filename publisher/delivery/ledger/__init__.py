"""The ledger's operations. Each transition of `publisher.delivery.states` is one guarded UPDATE.

    opening       a row for everybody in the audience, and when each is due at local time
    audience      who gets what of an issue, and what it has for one subscriber; `correction_audience`:
                  who gets a correction
    already_sent  stories that subscribers have got, and what is owed for a mail that is not sent
    variant_rows  rows whose variant is not rendered yet
    leases        which runs are sending, and what happens to the rows of a dead one
    claims        rows are claimed for a lease, postponed, released, and checked before they leave; how statements
                  name and move many rows
    attempts      rows are reserved before a message may leave, and settled after it
    doubts        rows in doubt: listed, sent again, or taken for sent
    lifecycle     pause, resume, cancel and finish an issue; try its failed deliveries again; rows by state
    reports       who did not get an issue, and why; old rows are deleted

Transactions are the caller's.
"""
