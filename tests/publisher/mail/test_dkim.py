"""DKIM signatures, verified by dkimpy (RSA only, Ed25519 needs PyNaCl) and by a second verifier."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail import dkim
from tests.publisher.mail.dkim_verification import (
    accepts,
    dkimpy_accepts,
    dkimpy_signs,
    records,
)
from tests.publisher.mail.keys import ED25519, RSA, signer

FIELDS: tuple[dkim.HeaderField, ...] = (
    (b"From", b" The Lantern <digest@news.example.org>"),
    (b"To", b" Ann Example <subscriber.1@example.com>"),
    (b"Reply-To", b" editors@news.example.org"),
    (b"Subject", b" =?utf-8?b?V2llIGRpZSBGw6RocmUgbGVybnRl?=\r\n =?utf-8?b?LCB6dSB3YXJ0ZW4=?="),
    (b"Date", b" Fri, 09 Jan 2026 08:00:30 +0000"),
    (b"Message-ID", b" <weekly-en-2026-01-09.0123456789abcdef01234567@news.example.org>"),
    (
        b"List-Unsubscribe",
        b" <https://news.example.org/en/unsubscribe/?t=" + b"x" * 90 + b">,\r\n"
        b" <mailto:digest@news.example.org?subject=unsubscribe%20weekly>",
    ),
    (b"List-Unsubscribe-Post", b" List-Unsubscribe=One-Click"),
    (b"List-Id", b" <weekly.en.news.example.org>"),
    (b"Feedback-ID", b" 2026-01-09:en:weekly:newsexampleorg"),
    (b"Archived-At", b" <https://news.example.org/en/weekly/2026-01-09/>"),
    (b"Auto-Submitted", b" auto-generated"),
    (b"Precedence", b" bulk"),
    (b"MIME-Version", b" 1.0"),
    (b"Content-Type", b' multipart/alternative;\r\n\tboundary="=_0123"'),
    (b"Content-Language", b" en"),
)
UNSIGNED = (b"Precedence", b"Content-Language")
BODY = (b"--=_0123\r\n\r\nThe tide waits", b" for  nobody.\r\n", b".\r\n--=_0123--\r\n")
BOTH = (signer(RSA), signer(ED25519, selector="ed-2026"))
KNOWN = records(*BOTH)


def wire(
    fields: Sequence[dkim.HeaderField], body: Sequence[bytes] = BODY, above: bytes = b""
) -> bytes:
    lines = (b"%b:%b\r\n" % named for named in fields)
    return above + b"".join(lines) + b"\r\n" + b"".join(body)


def signed(
    fields: Sequence[dkim.HeaderField] = FIELDS,
    body: Sequence[bytes] = BODY,
    by: Sequence[dkim.DkimSigner] = BOTH,
) -> bytes:
    return wire(fields, body, dkim.dkim_fields(by, fields, body))


def verdicts(message: bytes) -> list[bool]:
    """Verify the RSA and the Ed25519 signature; both verifiers must agree about RSA."""
    results = accepts(message, KNOWN)
    assert dkimpy_accepts(message, KNOWN) == results[0]
    return results


def tags(field: bytes) -> dict[str, str]:
    name, _, value = field.decode("ascii").partition(":")
    assert name == "DKIM-Signature"
    pairs = (pair.split("=", 1) for pair in value.split(";"))
    return {name.strip(): re.sub(r"\s", "", text) for name, text in pairs}


def test_rsa_and_ed25519_signatures_verify_on_one_message() -> None:
    assert verdicts(signed()) == [True, True]


@pytest.mark.parametrize("one", BOTH)
def test_each_signature_verifies_alone(one: dkim.DkimSigner) -> None:
    assert accepts(signed(by=(one,)), records(one)) == [True]


def test_a_signature_has_no_time_no_expiry_and_no_body_length() -> None:
    rsa, ed25519 = (tags(dkim.dkim_fields((one,), FIELDS, BODY)) for one in BOTH)
    assert set(rsa) == set(ed25519) == {"v", "a", "c", "d", "s", "h", "bh", "b"}
    assert (rsa["a"], ed25519["a"]) == ("rsa-sha256", "ed25519-sha256")
    assert (rsa["s"], ed25519["s"]) == ("news-2026", "ed-2026")
    assert rsa["c"] == "relaxed/simple"
    assert rsa["d"] == "news.example.org"
    assert rsa["bh"] == ed25519["bh"]


def test_many_threads_can_share_a_signer() -> None:
    bodies = [[b"%d\r\n" % number] for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        shared = list(threads.map(lambda body: dkim.dkim_fields(BOTH, FIELDS, body), bodies))
    assert shared == [dkim.dkim_fields(BOTH, FIELDS, body) for body in bodies]


@pytest.mark.parametrize("one", BOTH)
def test_a_signature_is_one_field_of_short_lines(one: dkim.DkimSigner) -> None:
    field = dkim.dkim_fields((one,), FIELDS, BODY)
    assert field.endswith(b"\r\n")
    first, *rest = field.removesuffix(b"\r\n").split(b"\r\n")
    assert first.startswith(b"DKIM-Signature: ")
    assert all(re.fullmatch(rb" \S.*\S", line) for line in rest)
    assert max(map(len, (first, *rest))) <= 76


def test_long_names_of_domain_and_selector_have_lines_of_their_own() -> None:
    domain = f"{'a' * 60}.{'b' * 60}.news.example.org"
    one = signer(RSA, domain=domain, selector="s" * 60)
    message = signed(by=(one,))
    assert f"\r\n d={domain};\r\n s={'s' * 60};\r\n".encode() in message
    assert dkimpy_accepts(message, records(one))


def test_oversigned_fields_are_listed_once_more_than_they_occur() -> None:
    names = tags(dkim.dkim_fields(BOTH[:1], FIELDS, BODY))["h"].split(":")
    present = [name.lower().decode() for name, _value in FIELDS]
    for name in (octets.decode() for octets in dkim.OVERSIGNED):
        assert names.count(name) == present.count(name) + 1, name
    assert "precedence" not in names
    assert set(names) <= {name.decode() for name in dkim.COVERED}


def test_a_covered_field_can_be_neither_changed_nor_dropped() -> None:
    above = dkim.dkim_fields(BOTH, FIELDS, BODY)
    for place, (name, value) in enumerate(FIELDS):
        holds = [name in UNSIGNED] * 2
        changed = (*FIELDS[:place], (name, value[:-1] + b"!"), *FIELDS[place + 1 :])
        dropped = (*FIELDS[:place], *FIELDS[place + 1 :])
        assert verdicts(wire(changed, BODY, above)) == holds, name
        assert verdicts(wire(dropped, BODY, above)) == holds, name


def test_neither_a_second_copy_nor_another_order_of_a_covered_field_verifies() -> None:
    above = dkim.dkim_fields(BOTH, FIELDS, BODY)
    for name in dkim.OVERSIGNED:
        extra = ((name.title(), b" another"),)
        for fields in (extra + FIELDS, FIELDS + extra):
            assert verdicts(wire(fields, BODY, above)) == [False, False], name
    twice = (*FIELDS, (b"feedback-id", b" a:b:c:second"), (b"FEEDBACK-ID", b" third"))
    above = dkim.dkim_fields(BOTH, twice, BODY)
    assert verdicts(wire(twice, BODY, above)) == [True, True]
    swapped = (*twice[:-2], twice[-1], twice[-2])
    assert verdicts(wire(swapped, BODY, above)) == [False, False]


def test_refolded_and_added_received_fields_still_verify() -> None:
    fields = [
        (name.upper(), value.replace(b"\r\n", b"").replace(b" ", b"\r\n \t "))
        for name, value in FIELDS
    ]
    assert verdicts(wire(fields, BODY, dkim.dkim_fields(BOTH, FIELDS, BODY))) == [True, True]
    added = b"Received: from a.example by b.example; Fri, 09 Jan 2026 08:01:00 +0000\r\n"
    assert accepts(added + signed(), KNOWN) == [True, True]


BLANK = st.text(" \t", min_size=1, max_size=4)
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
SPACE = st.one_of(BLANK, st.builds("{}\r\n{}".format, st.text(" \t", max_size=2), BLANK))
VALUE = st.builds(
    lambda parts, end: "".join(blank + word for blank, word in parts) + end,
    st.lists(st.tuples(SPACE, WORD), max_size=6),
    st.text(" \t", max_size=3),
)


@given(st.lists(st.tuples(st.sampled_from((*dkim.COVERED, b"x-other")), VALUE), max_size=8))
def test_fields_with_any_blanks_and_folds_verify(drawn: list[tuple[bytes, str]]) -> None:
    fields = [(b"From", b" a@news.example.org")]
    fields += [(name, value.encode()) for name, value in drawn if name != b"from"]
    assert verdicts(signed(fields)) == [True, True]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n\r\n",
        b"no line end",
        b"one\r\n",
        b"several\r\n\r\n\r\n\r\n",
        b"\r\n\r\nfirst lines empty\r\n",
        b"blanks at the end \t\r\n \r\n",
        b".\r\n..\r\n",
    ],
)
def test_bodies_with_every_kind_of_end_verify(body: bytes) -> None:
    assert verdicts(signed(body=(body,))) == [True, True]
    assert verdicts(signed(body=[body[at : at + 1] for at in range(len(body))])) == [True, True]


def test_no_byte_of_a_body_can_be_changed_but_empty_lines_at_its_end_are_not_signed() -> None:
    assert verdicts(signed() + b"\r\n\r\n") == [True, True]
    many = signed(body=(*BODY, b"\r\n\r\n"))
    assert verdicts(many.removesuffix(b"\r\n\r\n")) == [True, True]
    body, above = b"".join(BODY), dkim.dkim_fields(BOTH, FIELDS, BODY)
    for place in range(len(body) - 2):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert accepts(wire(FIELDS, (changed,), above), KNOWN) == [False, False], place


CUTS = st.lists(st.integers(0, 40), max_size=8)
OCTETS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b"a", b"."]), max_size=24)


@given(OCTETS, CUTS)
def test_a_body_may_be_cut_anywhere(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    cut = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    assert b"".join(cut) == body
    assert dkim.body_hash(cut) == dkim.body_hash([body])
    assert accepts(signed(body=cut), KNOWN) == [True, True]


def test_no_repr_shows_a_key() -> None:
    shown = repr(BOTH)
    assert "rsa-sha256" in shown
    assert "PRIVATE" not in shown
    assert "object at" not in shown


RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.

""".replace(b"\n", b"\r\n")


def test_our_verifier_accepts_rfc_8463_and_dkimpy_only_unchanged() -> None:
    name = "brisbane._domainkey.football.example.com"
    known = {name: "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}
    assert accepts(RFC_8463, known) == [True]
    assert accepts(RFC_8463.replace(b"dinner", b"supper"), known) == [False]
    assert accepts(RFC_8463.replace(b"hungry", b"thirsty"), known) == [False]
    message = wire(FIELDS)
    theirs = dkimpy_signs(message, "news.example.org", "news-2026", RSA)
    assert accepts(theirs + message, KNOWN) == [True]
    assert accepts(theirs + message + b"more\r\n", KNOWN) == [False]
