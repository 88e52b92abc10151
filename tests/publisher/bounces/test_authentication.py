"""A server's Authentication-Results count if they are its own, the topmost, and about the sender's domain."""

import pytest

from publisher.bounces.incoming_mail import is_authenticated, sole_sender

PASS = "mx.news.example; dmarc=pass header.from=example.org"
FAIL = "mx.news.example; spf=fail smtp.mailfrom=example.org; dkim=none"


@pytest.mark.parametrize(
    "fields",
    [
        [PASS],
        ["MX.news.example 1; DMARC = pass (p=none; sp=none) header.from=Example.ORG"],
        ["mx.news.example; spf=fail; dkim=pass header.d=example.org"],
        [
            "mx.news.example; dkim=pass header.i=@example.org; dmarc=none header.from=example.org"
        ],
        ["mx.news.example; spf=pass smtp.mailfrom=ann@example.org"],
        ["relay.example; dmarc=fail", PASS, FAIL],
    ],
)
def test_a_pass_of_our_server_for_the_domain_of_the_sender_counts(fields: list[str]) -> None:
    assert is_authenticated(fields, "mx.news.example", "example.org")


def test_a_domain_above_the_sender_s_vouches_for_it_and_one_below_does_not() -> None:
    signed = ["mx.news.example; dkim=pass header.d=example.org"]
    assert is_authenticated(signed, "mx.news.example", "mail.example.org")
    signed = ["mx.news.example; dkim=pass header.d=mail.example.org"]
    assert not is_authenticated(signed, "mx.news.example", "example.org")


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [""],
        ["mx.other.example; dmarc=pass header.from=example.org"],
        # What came with the mail is below what our server found.
        [FAIL, PASS],
        ["mx.news.example; none", PASS],
        ["mx.news.example; dkim=pass header.d=evil.example; dmarc=fail", PASS],
        ["mx.news.example; dkim=pass header.d=example.org; dmarc=fail header.from=example.org"],
        ["mx.news.example; dmarc=pass header.from=evil.example"],
        ["mx.news.example; dkim=pass header.d=org"],
        ["mx.news.example; arc=pass header.from=example.org"],
        # What a sender chooses stands in quotation marks or comments.
        ['mx.news.example; spf=fail smtp.mailfrom="x; dmarc=pass header.from=example.org"@e'],
        ["mx.news.example; spf=fail (from x; dmarc=pass header.from=example.org)"],
        ["mx.news.example; spf=fail (x\\); dmarc=pass header.from=example.org"],
        ["mx.news.example; dkim=pass header.d=example.org(.evil.example)"],
        ["mx.news.example; spf=fail (x", PASS],
    ],
)
def test_what_anybody_can_write_proves_nothing(fields: list[str]) -> None:
    assert not is_authenticated(fields, "mx.news.example", "example.org")


def test_a_mail_with_two_senders_has_none() -> None:
    assert sole_sender(["Ann <ann@example.org>"]) == "ann@example.org"
    assert sole_sender(["ann@example.org, eve@evil.example"]) == ""
    assert sole_sender(["ann@example.org", "eve@evil.example"]) == ""
    assert sole_sender([]) == ""
