"""Subscribers: addresses, consent, preferences and audiences.

This package stores who may be written to, about which newsletters, and in which language. It has
its own tables (`subscribers.tables`) and imports nothing of `publisher` or `feeds`. It never reads
the clock: the time is an argument of each function that changes a row. It never commits:
transactions belong to the caller.

    addresses       which addresses are valid, and which two are the same person's
    consent         which change of a status is allowed, and to whom
    model           the values of this package
    tables          the database tables
    store           find, list and count subscribers
    changes         unsubscribe, resubscribe and suppress them
    history         what happened to a subscriber's consent, and who did it
    erasure         erase a subscriber, and recognise the address afterwards
    merging         merge two records of one person
    address_change  change an address: request, confirm, undo
    access          proofs of a mailbox, and sessions
    preferences     what a subscriber chose: languages, cadence, topics, hour, pause
    profiles        what of it changes the content of an issue
    audiences       the recipients of an issue, as SQL
    import_export   CSV in and out (with `csv_cells`, `csv_rows`, `import_merge`, `import_batches`)
    errors          the errors of this package
"""

from subscribers.access import (
    REQUEST_LIFETIME,
    SESSION_LIFETIME,
    end_session,
    is_access_open,
    request_access,
    session_subscriber_id,
    start_session,
    use_access_code,
    use_access_link,
)
from subscribers.address_change import (
    AddressChange,
    AddressChangeState,
    confirm_address_change,
    forget_old_changes,
    load_address_change,
    request_address_change,
    undo_address_change,
)
from subscribers.addresses import Address, normalise_address
from subscribers.audiences import (
    count_audience_by_language,
    has_audience,
    is_paused,
    is_subscribed,
    load_recipients,
    select_audience,
    still_wanted,
)
from subscribers.changes import choose_newsletters, resubscribe, suppress, unsubscribe
from subscribers.erasure import AddressDigest, erase, erased_at
from subscribers.errors import (
    BadAddressError,
    BadFileError,
    BadRow,
    ErasedSubscriberError,
    LostSubscriptionsError,
    NaiveDatetimeError,
    RefusedTransitionError,
    SubscribersError,
    UnknownSubscriberError,
)
from subscribers.history import load_history
from subscribers.import_export import (
    ImportNote,
    ImportReport,
    export_csv,
    import_csv,
    parse_rows,
)
from subscribers.merging import merge_subscribers
from subscribers.model import (
    ConsentSource,
    Recipient,
    Subscriber,
    SubscriberEvent,
    SubscriberHistory,
    SubscriberStatus,
    SubscriptionRecord,
)
from subscribers.preferences import (
    Cadence,
    Preferences,
    TextLength,
    load_preferences,
    pause_subscriber,
    resume_subscriber,
    store_preferences,
)
from subscribers.store import (
    count_subscribers_by_language,
    current_id,
    find_subscriber,
    known_subscriber,
    list_subscribers,
    load_subscriber,
)

__all__ = [
    "REQUEST_LIFETIME",
    "SESSION_LIFETIME",
    "Address",
    "AddressChange",
    "AddressChangeState",
    "AddressDigest",
    "BadAddressError",
    "BadFileError",
    "BadRow",
    "Cadence",
    "ConsentSource",
    "ErasedSubscriberError",
    "ImportNote",
    "ImportReport",
    "LostSubscriptionsError",
    "NaiveDatetimeError",
    "Preferences",
    "Recipient",
    "RefusedTransitionError",
    "Subscriber",
    "SubscriberEvent",
    "SubscriberHistory",
    "SubscriberStatus",
    "SubscribersError",
    "SubscriptionRecord",
    "TextLength",
    "UnknownSubscriberError",
    "choose_newsletters",
    "confirm_address_change",
    "count_audience_by_language",
    "count_subscribers_by_language",
    "current_id",
    "end_session",
    "erase",
    "erased_at",
    "export_csv",
    "find_subscriber",
    "forget_old_changes",
    "has_audience",
    "import_csv",
    "is_access_open",
    "is_paused",
    "is_subscribed",
    "known_subscriber",
    "list_subscribers",
    "load_address_change",
    "load_history",
    "load_preferences",
    "load_recipients",
    "load_subscriber",
    "merge_subscribers",
    "normalise_address",
    "parse_rows",
    "pause_subscriber",
    "request_access",
    "request_address_change",
    "resubscribe",
    "resume_subscriber",
    "select_audience",
    "session_subscriber_id",
    "start_session",
    "still_wanted",
    "store_preferences",
    "suppress",
    "undo_address_change",
    "unsubscribe",
    "use_access_code",
    "use_access_link",
]
