"""Subscribers: addresses, consent, preferences and audiences.

This package stores who may be written to, about which newsletters, and in which language. It has its own tables
(`subscribers.tables`) and imports nothing of `publisher` or `feeds`. It never reads the clock: the time is an argument
of each function that changes a row. It never commits: transactions belong to the caller.

    addresses         which addresses are valid, and which two are the same person's
    consent           which change of a status is allowed, and to whom
    consent_records   proof of consent, and the history of each subscriber's
    model             the values of this package
    tables            the database tables
    store             find, list, count and erase subscribers; rename their newsletters
    changes           unsubscribe, resubscribe and suppress them; take an unsubscription back
    pending_requests  requests to join, as rows; proofs of a mailbox, and sessions
    joining           request, confirm and refuse to join
    address_change    change an address: request, confirm, undo; merge two records of one person
    preferences       what a subscriber chose, and what of it changes the content of an issue
    interruptions     pauses and other times in which articles may be missed
    audiences         the recipients of an issue, as SQL, and why the others get nothing
    lists/            CSV in and out, with a report
    errors            the errors of this package, and reasons that people read
"""
