from typing import Any

import pytest

from publisher.config.setting_keys import changed_keys

OLD: dict[str, Any] = {
    "publication": {"title": {"en": "The Lantern"}, "languages": ["en", "ar"]},
    "newsletter": [{"name": "weekly", "title": "The week"}, {"name": "daily"}],
    "delivery": {"dkim": [{"key": "a.pem"}]},
}


@pytest.mark.parametrize(
    ("table", "value", "keys"),
    [
        ("publication", OLD["publication"], []),
        ("publication", {"title": {"en": "Lantern"}, "languages": ["en", "ar"]}, ["publication.title.en"]),
        ("publication", {"title": "L", "languages": ["en"]}, ["publication.title", "publication.languages"]),
        ("newsletter", [{"name": "daily"}, {"name": "weekly", "title": "Week"}], ["newsletter[weekly].title"]),
        ("newsletter", [{"name": "daily"}], ["newsletter[weekly]"]),
        ("newsletter", [], ["newsletter"]),
        ("delivery", {"dkim": [{"key": "b.pem"}, {"key": "c.pem"}]}, ["delivery.dkim[0].key", "delivery.dkim[1]"]),
        ("delivery", {"dkim": [{"key": "a.pem"}], "transport": "smtp"}, ["delivery.transport"]),
    ],
)  # fmt: skip
def test_changed_keys_are_named_as_people_write_them(
    table: str, value: object, keys: list[str]
) -> None:
    assert list(changed_keys(OLD, {**OLD, table: value})) == keys
    assert list(changed_keys({**OLD, table: value}, OLD)) == keys
