"""Signatures, as dkimpy and a second verifier see them. dkimpy is asked about RSA only: for
Ed25519 it needs PyNaCl, which is none of our dependencies."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.dkim import (
    COVERED,
    OVERSIGNED,
    DkimSigner,
    HeaderField,
    body_hash,
    dkim_fields,
)
from tests.publisher.mail.dkim_verification import (
    accepts,
    dkimpy_accepts,
    dkimpy_signs,
    records,
)
from tests.publisher.mail.keys import ED25519, RSA, signer

FIELDS: tuple[HeaderField, ...] = (
    (b"From", b" The Lantern <digest@news.example.org>"),
    (b"To", b" Ann Example <reader.1@example.com>"),
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
LOOSE = (b"Precedence", b"Content-Language")
BODY = (b"--=_0123\r\n\r\nThe tide waits", b" for  nobody.\r\n", b".\r\n--=_0123--\r\n")
BOTH = (signer(RSA), signer(ED25519, selector="ed-2026"))
KNOWN = records(*BOTH)


def wire(
    fields: Sequence[HeaderField], body: Sequence[bytes] = BODY, above: bytes = b""
) -> bytes:
    lines = (b"%b:%b\r\n" % named for named in fields)
    return above + b"".join(lines) + b"\r\n" + b"".join(body)


def signed(
    fields: Sequence[HeaderField] = FIELDS,
    body: Sequence[bytes] = BODY,
    by: Sequence[DkimSigner] = BOTH,
) -> bytes:
    return wire(fields, body, dkim_fields(by, fields, body))


def verdicts(message: bytes) -> list[bool]:
    """What is said of the signatures by RSA and Ed25519, where two verifiers agree about RSA."""
    said = accepts(message, KNOWN)
    assert dkimpy_accepts(message, KNOWN) == said[0]
    return said


def tags(field: bytes) -> dict[str, str]:
    name, _, value = field.decode("ascii").partition(":")
    assert name == "DKIM-Signature"
    pairs = (pair.split("=", 1) for pair in value.split(";"))
    return {name.strip(): re.sub(r"\s", "", text) for name, text in pairs}


def test_both_kinds_of_signature_hold_on_one_message() -> None:
    assert verdicts(signed()) == [True, True]


@pytest.mark.parametrize("one", BOTH)
def test_a_signature_holds_by_itself(one: DkimSigner) -> None:
    message = wire(FIELDS, BODY, one.sign(FIELDS, BODY))
    assert accepts(message, records(one)) == [True]
    assert dkim_fields((one,), FIELDS, BODY) == one.sign(FIELDS, BODY)


def test_without_a_signer_there_is_no_signature() -> None:
    assert dkim_fields((), FIELDS, BODY) == b""


def test_a_signature_says_who_and_how_and_nothing_of_when_or_how_long() -> None:
    rsa, ed25519 = (tags(one.sign(FIELDS, BODY)) for one in BOTH)
    assert set(rsa) == set(ed25519) == {"v", "a", "c", "d", "s", "h", "bh", "b"}
    assert (rsa["a"], ed25519["a"]) == ("rsa-sha256", "ed25519-sha256")
    assert (rsa["s"], ed25519["s"]) == ("news-2026", "ed-2026")
    assert rsa["c"] == "relaxed/simple"
    assert rsa["d"] == "news.example.org"
    assert rsa["bh"] == ed25519["bh"]


def test_every_attempt_has_the_same_signature() -> None:
    assert dkim_fields(BOTH, FIELDS, BODY) == dkim_fields(BOTH, FIELDS, BODY)


def test_many_threads_may_share_a_signer() -> None:
    bodies = [[b"%d\r\n" % number] for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        shared = list(threads.map(lambda body: dkim_fields(BOTH, FIELDS, body), bodies))
    assert shared == [dkim_fields(BOTH, FIELDS, body) for body in bodies]


@pytest.mark.parametrize("one", BOTH)
def test_a_signature_is_one_field_of_short_lines(one: DkimSigner) -> None:
    field = one.sign(FIELDS, BODY)
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


def test_what_may_stand_there_once_is_named_once_more_than_it_does() -> None:
    names = tags(BOTH[0].sign(FIELDS, BODY))["h"].split(":")
    present = [name.lower().decode() for name, _value in FIELDS]
    for name in (octets.decode() for octets in OVERSIGNED):
        assert names.count(name) == present.count(name) + 1, name
    assert "precedence" not in names
    assert set(names) <= {name.decode() for name in COVERED}


@pytest.mark.parametrize("name", [b"list-unsubscribe", b"list-unsubscribe-post"])
def test_both_fields_of_one_click_are_covered(name: bytes) -> None:
    assert name.decode() in tags(BOTH[0].sign(FIELDS, BODY))["h"].split(":")


@pytest.mark.parametrize("place", range(len(FIELDS)))
def test_a_covered_field_can_be_neither_changed_nor_dropped(place: int) -> None:
    above = dkim_fields(BOTH, FIELDS, BODY)
    name, value = FIELDS[place]
    holds = name in LOOSE
    changed = (*FIELDS[:place], (name, value[:-1] + b"!"), *FIELDS[place + 1 :])
    dropped = (*FIELDS[:place], *FIELDS[place + 1 :])
    assert verdicts(wire(changed, BODY, above)) == [holds, holds]
    assert verdicts(wire(dropped, BODY, above)) == [holds, holds]


@pytest.mark.parametrize(
    "name",
    [
        b"From",
        b"To",
        b"Cc",
        b"Reply-To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"MIME-Version",
        b"Content-Type",
        b"List-Unsubscribe",
        b"List-Unsubscribe-Post",
        b"List-Id",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_nobody_can_add_a_field_that_readers_or_programs_go_by(
    name: bytes, first: bool
) -> None:
    above = dkim_fields(BOTH, FIELDS, BODY)
    extra = ((name, b" another"),)
    fields = extra + FIELDS if first else FIELDS + extra
    assert verdicts(wire(fields, BODY, above)) == [False, False]


@pytest.mark.parametrize("name", [b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Reply-To"])
def test_nobody_can_add_a_field_that_was_not_there(name: bytes) -> None:
    fields = tuple(field for field in FIELDS if field[0] != name)
    above = dkim_fields(BOTH, fields, BODY)
    assert verdicts(wire(fields, BODY, above)) == [True, True]
    assert verdicts(wire((*fields, (name, b" another")), BODY, above)) == [False, False]


def test_of_fields_of_one_name_each_is_covered() -> None:
    twice = (*FIELDS, (b"feedback-id", b" a:b:c:second"), (b"FEEDBACK-ID", b" third"))
    above = dkim_fields(BOTH, twice, BODY)
    assert verdicts(wire(twice, BODY, above)) == [True, True]
    swapped = (*twice[:-2], twice[-1], twice[-2])
    assert verdicts(wire(swapped, BODY, above)) == [False, False]


def test_relays_may_fold_and_space_fields_anew() -> None:
    fields = [
        (name.upper(), value.replace(b"\r\n", b"").replace(b" ", b"\r\n \t "))
        for name, value in FIELDS
    ]
    assert verdicts(wire(fields, BODY, dkim_fields(BOTH, FIELDS, BODY))) == [True, True]


def test_relays_may_add_what_they_do() -> None:
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


@given(st.lists(st.tuples(st.sampled_from((*COVERED, b"x-other")), VALUE), max_size=8))
def test_fields_with_any_blanks_and_folds_are_signed_right(
    drawn: list[tuple[bytes, str]],
) -> None:
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
def test_bodies_of_every_end_are_signed_right(body: bytes) -> None:
    assert verdicts(signed(body=(body,))) == [True, True]
    assert verdicts(signed(body=[body[at : at + 1] for at in range(len(body))])) == [True, True]


def test_empty_lines_at_the_end_of_a_body_may_come_and_go() -> None:
    assert verdicts(signed() + b"\r\n\r\n") == [True, True]
    many = signed(body=(*BODY, b"\r\n\r\n"))
    assert verdicts(many.removesuffix(b"\r\n\r\n")) == [True, True]


@pytest.mark.parametrize("place", range(len(b"".join(BODY)) - 2))
def test_no_byte_of_a_body_can_be_changed(place: int) -> None:
    body = b"".join(BODY)
    changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    assert accepts(wire(FIELDS, (changed,), dkim_fields(BOTH, FIELDS, BODY)), KNOWN) == [
        False,
        False,
    ]


def test_dkimpy_finds_a_changed_body_as_well() -> None:
    assert not dkimpy_accepts(signed().replace(b"nobody", b"anybody"), KNOWN)
    assert not dkimpy_accepts(signed() + b"more\r\n", KNOWN)


CUTS = st.lists(st.integers(0, 40), max_size=8)
OCTETS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b"a", b"."]), max_size=24)


@given(OCTETS, CUTS)
def test_a_body_may_be_cut_anywhere(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    cut = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    assert b"".join(cut) == body
    assert body_hash(cut) == body_hash([body])
    assert accepts(signed(body=cut), KNOWN) == [True, True]


def test_a_key_is_in_no_repr() -> None:
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


def test_our_own_verifier_takes_the_example_of_the_rfc_and_no_other() -> None:
    name = "brisbane._domainkey.football.example.com"
    known = {name: "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}
    assert accepts(RFC_8463, known) == [True]
    assert accepts(RFC_8463.replace(b"dinner", b"supper"), known) == [False]
    assert accepts(RFC_8463.replace(b"hungry", b"thirsty"), known) == [False]


def test_our_own_verifier_takes_what_dkimpy_signs() -> None:
    message = wire(FIELDS)
    theirs = dkimpy_signs(message, "news.example.org", "news-2026", RSA)
    assert accepts(theirs + message, KNOWN) == [True]
    assert accepts(theirs + message + b"more\r\n", KNOWN) == [False]
