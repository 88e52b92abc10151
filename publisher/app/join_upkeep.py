"""What each cycle does about requests to subscribe: remind once, and forget those who do not confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from publisher.app.join_protection import joining_stopped
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import enqueue_notice
from subscribers import delete_unconfirmed, requests_due_for_reminder

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.config import Settings
    from publisher.database import Database

log = structlog.get_logger()


def send_reminders(settings: Settings, database: Database, now: datetime) -> int:
    """Remind those who have not confirmed after a day, once. Return how many."""
    if not settings.joining.reminder:
        return 0
    with database.writing() as connection:
        if joining_stopped(connection, settings, now):
            return 0
        due = requests_due_for_reminder(connection, now)
        for one in due:
            enqueue_notice(
                connection,
                NoticeKind.REMINDER,
                one.subscriber_id,
                now,
                language=one.wish.language,
                values={"newsletters": list(one.wish.newsletters), "number": one.id},
            )
    return len(due)


def delete_expired_requests(database: Database, now: datetime) -> int:
    """Delete those who did not confirm within 30 days. Return how many."""
    with database.writing() as connection:
        count = len(delete_unconfirmed(connection, now))
    if count:
        log.info("subscribers who did not confirm within 30 days were deleted", count=count)
    return count
