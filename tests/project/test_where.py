"""`make where` answers what newcomers ask."""

from tools.where import best

ANSWERS = {
    "when is a deferred mail retried": "publisher/delivery/retry_policy.py",
    "add a feed format": "feeds/formats.py",
    "add a kind of source": "publisher/config/sources.py",
    "add a sending provider": "publisher/delivery/transports/",
    "add a bounce webhook of a provider": "publisher/bounces/providers/",
    "add a console page": "docs/how-to/console.md",
    "add an API route": "publisher/web/api/operations.py",
    "add a language to the program": "docs/how-to/add-a-language-to-the-program.md",
    "where is an approval bound to a manifest": "publisher/issues/approvals.py",
    "kill during a send": "publisher/delivery/lease_holder.py",
    "where is the row of an unsubscribe written": "subscribers/changes.py",
    "setting per edition": "publisher/config/newsletters.py",
    "last look before a mail leaves": "publisher/delivery/ledger/claims.py",
}


def test_a_newcomer_s_question_is_answered_in_five_lines() -> None:
    found = {question: best(question)[:5] for question in ANSWERS}
    assert {
        question: lines
        for question, lines in found.items()
        if not any(one.startswith(ANSWERS[question]) for one in lines)
    } == {}
