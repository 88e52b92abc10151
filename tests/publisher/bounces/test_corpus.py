"""Real bounces of sixty kinds of servers are understood, and nothing breaks the reading."""

from __future__ import annotations

import time
from random import Random

import pytest

from publisher.bounces.model import BounceKind
from publisher.bounces.report import read_report
from tests.publisher.bounces.bounce_corpus import (
    CORPUS,
    HARMLESS_REASONS,
    CorpusFigures,
    compare_with_corpus,
    corpus_mails,
)
from tests.publisher.bounces.mails import a_feedback_report, a_status_report, a_text

present = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
# Seconds of processor time for any mail.
LONGEST = 10


@pytest.fixture(scope="module")
def figures() -> CorpusFigures:
    return compare_with_corpus()


@present
def test_nearly_all_that_are_called_dead_are_dead(figures: CorpusFigures) -> None:
    assert figures.precision >= 0.95


@present
def test_most_dead_mailboxes_are_recognised(figures: CorpusFigures) -> None:
    assert figures.recall >= 0.63
    assert figures.scored >= 0.80


@present
def test_the_failed_address_is_found(figures: CorpusFigures) -> None:
    assert figures.addresses / figures.recipients >= 0.82


@present
def test_spam_refusals_blocks_and_complaints_make_nobody_dead(figures: CorpusFigures) -> None:
    wrong = {
        key: number
        for key, number in figures.kinds.items()
        if key[0] in HARMLESS_REASONS and key[1] == BounceKind.DEAD
    }
    assert wrong == {}


@present
def test_complaints_are_complaints(figures: CorpusFigures) -> None:
    found = {kind: n for (reason, kind), n in figures.kinds.items() if reason == "feedback"}
    assert found.get(BounceKind.COMPLAINT, 0) >= 10
    assert found.keys() <= {BounceKind.COMPLAINT, BounceKind.UNKNOWN, BounceKind.AUTO_REPLY}


@present
def test_a_mail_that_is_cut_or_damaged_suppresses_nobody_else() -> None:
    random = Random(1)
    mails = [*corpus_mails().values()]
    spoiled = [
        (raw[: len(raw) * part // 5], raw)
        for raw in random.sample(mails, 40)
        for part in range(5)
    ]
    for _ in range(200):
        raw = random.choice(mails)
        spoiled.append((_damaged(raw, random), raw))
    harder = [one for one, raw in spoiled if not final_kinds(one) <= final_kinds(raw)]
    # What softens a refusal may stand in the part that is gone.
    assert len(harder) <= 0.01 * len(spoiled)


def final_kinds(raw: bytes) -> set[BounceKind]:
    """Return those of a mail's verdicts that suppress somebody."""
    found = {one.kind for one in read_report(raw).recipients}
    return found & {BounceKind.DEAD, BounceKind.COMPLAINT}


def _damaged(raw: bytes, random: Random) -> bytes:
    mail = bytearray(raw)
    for _ in range(10):
        place = random.randrange(len(mail))
        choice = random.randrange(3)
        if choice == 0:
            mail[place] = random.randrange(256)
        elif choice == 1:
            mail[place:place] = mail[: random.randrange(300)]
        elif len(mail) > 400:
            del mail[place : place + random.randrange(300)]
    return bytes(mail)


FAILURE = b"From: MAILER-DAEMON@x\nSubject: failure notice\n"
HOSTILE = {
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 30_000,
    "parts in parts": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(200)
    ),
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 100_000,
    "many recipients": b'Content-Type: multipart/report; boundary="b"\n\n--b\n'
    b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1\n\n"
    * 12_000,
    "empty lines": FAILURE + b"\n" * 900_000,
    "returns": b"From: MAILER-DAEMON@x\rSubject: failure\r\r" + b"\r" * 900_000,
    "spaces": FAILURE + b"\n" + b" " * 900_000,
    "dashes": FAILURE + b"\n" + b"- " * 400_000,
    "addresses": FAILURE + b"\n" + b"<a@b.example>: x\n" * 50_000,
    "an endless address": FAILURE + b"\n" + b"a." * 40 + b"@" + b"b." * 400_000,
    "open tags": FAILURE + b"Content-Type: text/html\n\n" + b"<a \n" * 200_000,
    "open styles": FAILURE + b"Content-Type: text/html\n\n" + b"<style>\n" * 100_000,
    "open comments": b"To: " + b"(" * 300_000 + b"\n" + FAILURE + b"\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 50_000 + b"\n\nx",
    "parameters": b"Content-Type: text/plain;" + b"\n a*0=x;" * 80_000 + b"\n\nx",
    "no text": b"Content-Type: text/plain; charset=none\n\n\xff\xfe",
    "a charset of surrogates": b"Content-Type: text/plain; charset=utf-7\n\n+2A4-",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_in_bounded_time(name: str) -> None:
    started = time.process_time()
    read_report(HOSTILE[name])
    assert time.process_time() - started < LONGEST


@pytest.mark.parametrize(
    "raw", [a_status_report(), a_feedback_report(), a_text("<ann@example.com>: no such user")]
)
def test_a_mail_that_is_cut_anywhere_names_nobody_else_and_is_not_harder(raw: bytes) -> None:
    (whole,) = read_report(raw).recipients
    for end in range(0, len(raw), 7):
        found = read_report(raw[:end]).recipients
        assert len(found) <= 1
        assert all(whole.address.startswith(one.address) for one in found)
        assert final_kinds(raw[:end]) <= {whole.kind}
