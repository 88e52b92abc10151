"""Fields that a publication gives its subscribers, such as a town or the year of joining: types and values. Pure.

A value is text, whatever its type, in one form for each value. Without a value a subscriber does not have the field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from subscribers.errors import BadCellError, RowReason, none_of, quoted
from subscribers.model import FieldType

MAX_FIELD_LENGTH: Final = 500  # characters of a value
NUMBER: Final = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"
_YES_NO: Final = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}


@dataclass(frozen=True, slots=True)
class SubscriberField:
    """A field by its name; `choices` are those of `FieldType.CHOICE`."""

    name: str
    type: FieldType = FieldType.TEXT
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> str:
        """Return a value as it is stored, an empty text for none; raise BadCellError."""
        value = " ".join(text.split())
        reason = self._problem(value) if value else None
        if reason is not None:
            raise BadCellError(self.name, reason)
        match self.type if value else FieldType.TEXT:
            case FieldType.NUMBER:
                return f"{Decimal(value).normalize() + 0:f}"  # no -0
            case FieldType.CHOICE:
                return next(one for one in self.choices if one.casefold() == value.casefold())
            case FieldType.YES_NO:
                return _YES_NO[value.casefold()]
            case _:
                return value

    def _problem(self, value: str) -> RowReason | None:
        if len(value) > MAX_FIELD_LENGTH:
            template = "it has %(length)s characters; %(most)s are allowed"
            return RowReason(template, length=len(value), most=MAX_FIELD_LENGTH)
        if self.type is FieldType.NUMBER and not re.match(NUMBER, value):
            return RowReason("%(cell)s is no number such as 12 or 12.5", cell=quoted(value))
        if self.type is FieldType.DATE and not _is_date(value):
            return RowReason("%(cell)s is no date such as 2026-01-09", cell=quoted(value))
        known = {FieldType.CHOICE: self.choices, FieldType.YES_NO: tuple(_YES_NO)}
        words = known.get(self.type)
        if words is not None and value.casefold() not in map(str.casefold, words):
            return none_of(value, words if self.type is FieldType.CHOICE else ("yes", "no"))
        return None


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def merge_fields(stored: Mapping[str, str], changed: Mapping[str, str]) -> dict[str, str]:
    """Return fields with others over them; an empty value removes its field."""
    return {name: value for name, value in {**stored, **changed}.items() if value}
