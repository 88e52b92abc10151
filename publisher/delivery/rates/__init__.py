"""How fast mail may leave: bounds a second, an hour and a day, for all processes together.

Buckets are kept in the database, in the transaction that promises messages, so what is let go
is counted once, whoever lets it go. Knows neither messages nor readers, and asks nobody for the
time.
"""

from publisher.delivery.rates.admission import RateGrant
from publisher.delivery.rates.limiter import RateLimiter

__all__ = ["RateGrant", "RateLimiter"]
