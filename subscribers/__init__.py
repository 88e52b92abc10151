"""Who reads: addresses, consent, preferences and audiences.

This package answers one question, "who may be written to, and how do they want it?", and keeps
its answers in tables of its own (`subscribers.tables`). It knows nothing of mail, feeds or
templates, imports nothing of `publisher` or `feeds`, and never reads the clock: the time is an
argument of whatever changes a row. Transactions are the caller's: nothing here commits.

    addresses   what an address is, and when two of them are one person's
    consent     which change of a status is allowed, and to whom
    model       the values that the package speaks in
    tables      where they are kept
    store       one function for each question about a person
    audiences   who an issue goes to, as SQL
    exchange    CSV in and out (`cells`, `rows` and `merging` are its parts)
    errors      what can go wrong
"""

from subscribers.addresses import Address, normalise_address
from subscribers.audiences import (
    count_audience_by_language,
    load_recipients,
    select_audience,
    still_wanted,
)
from subscribers.errors import (
    BadAddressError,
    BadFileError,
    BadRow,
    NaiveDatetimeError,
    RefusedTransitionError,
    SubscribersError,
    UnknownSubscriberError,
)
from subscribers.import_export import (
    ImportNote,
    ImportReport,
    export_csv,
    import_csv,
    parse_rows,
)
from subscribers.model import ConsentSource, Recipient, Subscriber, SubscriberStatus
from subscribers.store import (
    count_subscribers_by_language,
    find_subscriber,
    list_subscribers,
    suppress,
    unsubscribe,
)

__all__ = [
    "Address",
    "BadAddressError",
    "BadFileError",
    "BadRow",
    "ConsentSource",
    "ImportNote",
    "ImportReport",
    "NaiveDatetimeError",
    "Recipient",
    "RefusedTransitionError",
    "Subscriber",
    "SubscriberStatus",
    "SubscribersError",
    "UnknownSubscriberError",
    "count_audience_by_language",
    "count_subscribers_by_language",
    "export_csv",
    "find_subscriber",
    "import_csv",
    "list_subscribers",
    "load_recipients",
    "normalise_address",
    "parse_rows",
    "select_audience",
    "still_wanted",
    "suppress",
    "unsubscribe",
]
