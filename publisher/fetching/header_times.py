"""Times in header fields of answers: dates, and how long a server asks to wait. Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """Parse a date of a header field (RFC 9110 section 5.6.7); None if it is malformed."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def asked_delay(text: str, now: datetime, most: timedelta) -> timedelta | None:
    """Parse Retry-After (RFC 9110 section 10.2.3), seconds or a date: from 0 to `most`; None if it is malformed."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        # Nine digits are 31 years; more would overflow.
        delay = timedelta(seconds=int(text[:9]))
    elif date := http_date(text):
        delay = date - now
    else:
        return None
    return min(max(delay, timedelta(0)), most)
