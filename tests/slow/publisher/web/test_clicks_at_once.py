"""Fifty people who click at once, over HTTP, at a console in a process of its own.

Some send an issue now, undo that, pause, continue or cancel it. What happened is an order of some of the clicks, the audit
log has it, and everybody else was told the truth.
"""

from __future__ import annotations

import html
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import pytest

from publisher.issues.model import STATE_WORDS, IssueState
from tests.console_process import Answer, ConsoleBrowser, console_process, session
from tests.publisher.app.approving import NAME, newsletter
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import state_of
from tests.slow.publisher.delivery.crashes.scene import say
from tests.slow.publisher.delivery.crashes.test_killed_verbs import (
    LATER,
    Scene,
    approved,
    sending,
)

# Few cancel it: nothing happens after that.
VERBS = [*("send-now", "undo", "pause", "resume") * 12, *("cancel",) * 2]
CLICKS = len(VERBS)
STORED, REFUSED, BUSY = 303, 409, 503
S = IssueState
# What each verb makes of an issue, by the state in which it may be.
MOVES = {
    ("send-now", S.READY): S.READY,
    ("undo", S.READY): S.READY,
    ("pause", S.SENDING): S.PAUSED,
    ("resume", S.PAUSED): S.SENDING,
    **{("cancel", state): S.CANCELLED for state in (S.READY, S.SENDING, S.PAUSED)},
}
TOLD = re.compile(
    rf"{NAME}: (?:is ({'|'.join(STATE_WORDS.values())})|goes out at [-:TZ\d UC]+ already"
    r"|goes out when it is due)"
)


def click(port: int, token: str, barrier: Barrier, verb: str) -> tuple[str, Answer]:
    """Click when all others do; again if the console is busy, as it asks for."""
    with ConsoleBrowser(port, token) as browser:
        barrier.wait()
        while True:
            answer = browser.post(f"/issues/{NAME}/{verb}/")
            if answer.status != BUSY:
                return verb, answer
            sleep(1)


def replayed(begin: IssueState, verbs: Sequence[str]) -> list[IssueState]:
    """Return the states that an issue went through; fail for a verb that was not possible."""
    states, has_been_sent_now = [begin], False
    for verb in verbs:
        assert (verb, states[-1]) in MOVES, f"{verb} when it was {states[-1]}, of {verbs}"
        # It goes out no earlier by another click, and is undone once.
        if verb in {"send-now", "undo"}:
            assert has_been_sent_now is (verb == "undo"), verbs
            has_been_sent_now = verb == "send-now"
        states.append(MOVES[verb, states[-1]])
    return states


@pytest.mark.parametrize(("before", "begin"), [(approved, S.READY), (sending, S.SENDING)])
def test_of_fifty_clicks_at_once_some_order_happened_and_the_others_are_told_so(
    new_publication: Callable[..., PublicationFolder],
    before: Callable[[Scene], None],
    begin: IssueState,
) -> None:
    made = new_publication(languages=["en", "ar"], newsletters=[newsletter()])
    scene = Scene(made)
    before(scene)
    assert state_of(made) is begin
    token, known = session(made.database, "administrator", made.clock.now()), scene.entries()
    verbs = random.Random(7).sample(VERBS, CLICKS)
    barrier = Barrier(CLICKS)
    with (
        console_process(
            made.settings.folders.root, f"--at={made.clock.now().isoformat()}"
        ) as console,
        ThreadPoolExecutor(CLICKS) as pool,
    ):
        clicks = [*pool.map(lambda verb: click(console.port, token, barrier, verb), verbs)]

    recorded = scene.entries()[len(known) :]
    states = replayed(begin, [verb for verb, _who in recorded])
    assert state_of(made) is states[-1]
    stored = Counter(verb for verb, answer in clicks if answer.status == STORED)
    assert stored == Counter(verb for verb, _who in recorded)
    assert all("done=" in one.place for _verb, one in clicks if one.status == STORED)
    words = {STATE_WORDS[state] for state in states}
    for verb, answer in clicks:
        if answer.status == STORED:
            continue
        assert answer.status == REFUSED, f"{verb}: {answer}"
        told = TOLD.search(html.unescape(re.sub(r"<[^>]+>", "", answer.text)))
        assert told, f"{verb}: {answer.text}"
        assert told[1] is None or told[1] in words, told[0]
    say(*(verb for verb, _who in recorded), "then", states[-1])
    mails = scene.cycle(LATER) + scene.cycle(LATER)
    assert len({*mails}) == len(mails)
    assert bool(mails) is (states[-1] in {S.READY, S.SENDING})
