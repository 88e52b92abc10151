"""The verbs of the ledger: every arrow of `publisher.delivery.states` is one guarded UPDATE.

    opening     a row for each reader; who left meanwhile
    leases      who is sending, and what becomes of the rows of one who is gone
    claiming    rows are taken up, by one sender
    marking     they are marked before a message may leave, and put down again
    looking     a last look before a message leaves
    settling    what an outcome makes of a row
    stopping    an issue is paused, resumed, cancelled, finished
    doubts      rows of which nobody knows: listed, sent again, or believed
    counting    how many stand where
    listing     who did not get an issue, and why

Transactions are the caller's.
"""
