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
    join_requests   requests to join, as rows
    joining         request, confirm and refuse to join
    consent_records proof of consent: to which words, when and where
    leaving         find a leaving in the history, and take it back
    history         what happened to a subscriber's consent, and who did it
    erasure         erase a subscriber, and recognise the address afterwards
    merging         merge two records of one person
    address_change  change an address: request, confirm, undo
    access          proofs of a mailbox, and sessions
    preferences     what a subscriber chose: languages, cadence, topics, hour, pause
    profiles        what of it changes the content of an issue
    renaming        a newsletter's former name, and how many want each
    interruptions   pauses and other times in which articles may be missed
    audiences       the recipients of an issue, as SQL
    standings       why the others get nothing, counted
    csv_columns     columns of other programs' exports, read as ours
    import_report   what an import found in a list, and what became of each row
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
from subscribers.addresses import (
    Address,
    mask_address,
    normalise_address,
    readable_address,
)
from subscribers.audiences import (
    has_audience,
    is_paused,
    is_subscribed,
    load_recipients,
    select_audience,
    select_audience_groups,
    still_wanted,
)
from subscribers.changes import (
    choose_newsletters,
    resubscribe,
    suppress,
    unsubscribe,
    unsubscribe_subscriber,
)
from subscribers.consent import (
    JoinAnswer,
)
from subscribers.consent_records import (
    ConsentChannel,
    ConsentEvent,
    ConsentOrigin,
    ConsentRecord,
    append_consent_record,
    count_requests_since,
    find_wording,
    load_consent_records,
)
from subscribers.csv_columns import ColumnPlan
from subscribers.erasure import (
    AddressDigest,
    ErasureReason,
    erase,
    erased_at,
)
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
from subscribers.history import last_event_id, load_history
from subscribers.import_export import (
    export_csv,
    import_in_portions,
    parse_rows,
    read_columns,
)
from subscribers.import_report import ImportNote, ImportReport, Reject
from subscribers.join_requests import (
    JoinRequest,
    RequestState,
    find_request,
    insert_request,
    list_requests,
)
from subscribers.joining import (
    add_nobody,
    add_pending,
    confirm_request,
    delete_unconfirmed,
    match_code,
    prepare_answer,
    refuse_request,
    requests_due_for_reminder,
)
from subscribers.leaving import Leaving, UndoOutcome, last_leaving, load_leaving, undo_leaving
from subscribers.merging import merge_subscribers
from subscribers.model import (
    ConsentSource,
    JoinWish,
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
    load_feed_generation,
    load_preferences,
    pause_subscriber,
    renew_feed_generation,
    resume_subscriber,
    store_preferences,
)
from subscribers.reasons import RowReason
from subscribers.renaming import count_subscriptions, present_newsletter, rename_newsletter
from subscribers.standings import Standing, count_standings
from subscribers.store import (
    count_all_subscribers,
    count_subscribers_by_language,
    count_subscribers_by_languages,
    current_id,
    find_subscriber,
    known_subscriber,
    list_subscribers,
    load_subscriber,
    search_subscribers,
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
    "ColumnPlan",
    "ConsentChannel",
    "ConsentEvent",
    "ConsentOrigin",
    "ConsentRecord",
    "ConsentSource",
    "ErasedSubscriberError",
    "ErasureReason",
    "ImportNote",
    "ImportReport",
    "JoinAnswer",
    "JoinRequest",
    "JoinWish",
    "Leaving",
    "LostSubscriptionsError",
    "NaiveDatetimeError",
    "Preferences",
    "Recipient",
    "RefusedTransitionError",
    "Reject",
    "RequestState",
    "RowReason",
    "Standing",
    "Subscriber",
    "SubscriberEvent",
    "SubscriberHistory",
    "SubscriberStatus",
    "SubscribersError",
    "SubscriptionRecord",
    "TextLength",
    "UndoOutcome",
    "UnknownSubscriberError",
    "add_nobody",
    "add_pending",
    "append_consent_record",
    "choose_newsletters",
    "confirm_address_change",
    "confirm_request",
    "count_all_subscribers",
    "count_requests_since",
    "count_standings",
    "count_subscribers_by_language",
    "count_subscribers_by_languages",
    "count_subscriptions",
    "current_id",
    "delete_unconfirmed",
    "end_session",
    "erase",
    "erased_at",
    "export_csv",
    "find_request",
    "find_subscriber",
    "find_wording",
    "forget_old_changes",
    "has_audience",
    "import_in_portions",
    "insert_request",
    "is_access_open",
    "is_paused",
    "is_subscribed",
    "known_subscriber",
    "last_event_id",
    "last_leaving",
    "list_requests",
    "list_subscribers",
    "load_address_change",
    "load_consent_records",
    "load_feed_generation",
    "load_history",
    "load_leaving",
    "load_preferences",
    "load_recipients",
    "load_subscriber",
    "mask_address",
    "match_code",
    "merge_subscribers",
    "normalise_address",
    "parse_rows",
    "pause_subscriber",
    "prepare_answer",
    "present_newsletter",
    "read_columns",
    "readable_address",
    "refuse_request",
    "rename_newsletter",
    "renew_feed_generation",
    "request_access",
    "request_address_change",
    "requests_due_for_reminder",
    "resubscribe",
    "resume_subscriber",
    "search_subscribers",
    "select_audience",
    "select_audience_groups",
    "session_subscriber_id",
    "start_session",
    "still_wanted",
    "store_preferences",
    "suppress",
    "undo_address_change",
    "undo_leaving",
    "unsubscribe",
    "unsubscribe_subscriber",
    "use_access_code",
    "use_access_link",
]
