"""When translations of Bitcoin Optech's newsletters were approved: day and month of 2025, by issue.

From the reviews of the pull requests of github.com/bitcoinops/bitcoinops.github.io ("Newsletter-350:
Translate into Czech", and so on), as far as they were found: the day of the approval, or of the
comment that it is ready. The files have no such dates. Issue 335 is of 3 January, one each week.
"""

from datetime import date, timedelta

_FIRST_ISSUE, _FIRST_DAY = 335, date(2025, 1, 3)

_APPROVED = {
    "zh-Hans": "335 0122, 336 0205, 337 0205, 339 0215, 341 0310, 342 0313, 344 0321, 345 0327,"
    " 349 0422, 350 0424, 351 0507, 352 0509, 357 0616, 358 0703, 359 0706",
    "ja": "335 0105, 336 0110, 337 0117, 338 0124, 339 0131, 342 0221, 344 0310, 346 0321,"
    " 347 0328, 348 0404, 349 0411, 350 0418, 351 0425, 352 0502, 353 0509, 354 0516,"
    " 355 0523, 357 0606",
    "de": "341 0218, 343 0303, 344 0312, 345 0318, 355 0524",
    "fr": "335 0113, 336 0113, 337 0124, 339 0214, 342 0228, 344 0310, 349 0415, 351 0502,"
    " 352 0509, 355 0529, 357 0623",
    "cs": "337 0117, 338 0124, 339 0131, 340 0207, 343 0228, 344 0310, 345 0315, 347 0328,"
    " 349 0411, 350 0418, 352 0502, 353 0509, 354 0516, 355 0523, 358 0728",
}


def day_of_issue(number: int) -> date:
    """Return the date of an issue."""
    return _FIRST_DAY + timedelta(weeks=number - _FIRST_ISSUE)


def approvals() -> dict[tuple[str, date], date]:
    """Return when each translation was approved, by language and date of its issue."""
    return {
        (language, day_of_issue(int(number))): date(2025, int(day[:2]), int(day[2:]))
        for language, text in _APPROVED.items()
        for number, day in (one.split() for one in text.split(","))
    }
