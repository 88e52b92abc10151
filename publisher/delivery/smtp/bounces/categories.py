"""Why a message was not taken, in words that a person understands. Pure values.

Which reply means which cause is told by `publisher.delivery.smtp.bounces.classify`; what becomes of the
message, by `publisher.delivery.smtp.reply_outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BounceSubject(StrEnum):
    """What a server finds fault with."""

    # One reader's mailbox or address.
    READER = "reader"
    # This message: its size, its form, what it says.
    MESSAGE = "message"
    # How much the receiving domain takes from us, and how fast.
    PACE = "pace"
    # Who we are to the world: our address, our domain's records, our host's reputation.
    SENDER = "sender"
    # Who we are to this server: our login, and what it lets us do.
    ACCOUNT = "account"
    # How much our account may send; it passes by itself, even where the reply says never.
    ALLOWANCE = "allowance"
    # Nothing: the server itself is not well, or busy.
    SERVER = "server"
    # It does not say.
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class BounceCategory:
    """One cause: a name that never changes, a sentence, and what a person can do about it."""

    key: str
    about: BounceSubject
    sentence: str
    advice: str
    # Nobody lives there; only where a reply says so for good.
    is_dead_address: bool = False


NOTHING = "nothing: it is tried again by itself"
# Resuming sends to whoever was put off; what has bounced is over for its issue.
RECORDS = "publish what is missing in the DNS of the sender's domain; if the issue is paused, resume it"

# --- about one reader

NO_MAILBOX = BounceCategory(
    "no-mailbox",
    BounceSubject.READER,
    "there is no such mailbox",
    "nothing: the address is not written to again",
    is_dead_address=True,
)
NOT_KNOWN = BounceCategory(
    "not-known",
    BounceSubject.READER,
    "the mailbox is not to be had: unknown, closed to us, or not yet set up",
    "look at the address; if it comes back issue after issue, take the reader off the list",
)
NO_DOMAIN = BounceCategory(
    "no-domain",
    BounceSubject.READER,
    "the reader's domain does not exist or takes no mail",
    "look for a slip in the domain; take the reader off the list if there is none",
)
BAD_ADDRESS = BounceCategory(
    "bad-address",
    BounceSubject.READER,
    "the server does not take this for an address",
    "look for a slip in the address",
)
MOVED = BounceCategory(
    "moved",
    BounceSubject.READER,
    "the reader has moved to another address",
    "ask the reader for the new one; mail does not follow by itself",
)
SWITCHED_OFF = BounceCategory(
    "switched-off",
    BounceSubject.READER,
    "the mailbox is switched off",
    "nothing: some come back; if this one does not, take the reader off the list",
)
FULL = BounceCategory(
    "full",
    BounceSubject.READER,
    "the mailbox is full",
    "nothing: only the reader can make room",
)
CROWDED = BounceCategory(
    "crowded",
    BounceSubject.READER,
    "the reader gets more mail just now than the mailbox takes",
    NOTHING,
)

# --- about how much

GREYLISTED = BounceCategory(
    "greylisted",
    BounceSubject.READER,
    "the server asks whoever is new to come again later (greylisting)",
    NOTHING,
)
TOO_FAST = BounceCategory(
    "too-fast",
    BounceSubject.PACE,
    "too much mail at once, or too many complaints",
    "nothing: it slows down by itself; set [[delivery.domain]] or [delivery.warmup] if it stays",
)
ALLOWANCE_USED = BounceCategory(
    "allowance-used",
    BounceSubject.ALLOWANCE,
    "our account has sent as much as it may for now",
    "nothing, or ask whoever runs the server for more; set [delivery.rate] to what it allows",
)

# --- about the message

TOO_LARGE = BounceCategory(
    "too-large",
    BounceSubject.MESSAGE,
    "the message is larger than the server takes",
    "make the issue shorter, or ask whoever runs the server for more",
)
SPAM = BounceCategory(
    "spam",
    BounceSubject.MESSAGE,
    "the message is taken for spam",
    "look at what it says and links to; see the provider's page for senders",
)
MALFORMED = BounceCategory(
    "malformed",
    BounceSubject.MESSAGE,
    "the server takes the message for malformed",
    "run `publisher check`; if it finds nothing, this is a fault of the program: report it",
)
POLICY = BounceCategory(
    "policy",
    BounceSubject.MESSAGE,
    "the server's rules forbid it",
    "read the server's words; whoever runs it can say which rule",
)

# --- about who we are to the world

BLOCKED = BounceCategory(
    "blocked",
    BounceSubject.SENDER,
    "our server is on a block list",
    "find out which list and why, and ask to be taken off it; if the issue is paused, resume it",
)
REPUTATION = BounceCategory(
    "reputation",
    BounceSubject.SENDER,
    "our server or domain has a bad name there",
    "send less and only to who reads; see the provider's page for senders",
)
NO_PTR = BounceCategory(
    "no-ptr",
    BounceSubject.SENDER,
    "the sending host's address has no name that leads back to it (PTR)",
    "have a PTR record made for the host, and an A or AAAA record to match",
)
NO_SPF = BounceCategory(
    "no-spf",
    BounceSubject.SENDER,
    "the sender's domain does not list the sending host (SPF)",
    RECORDS,
)
NO_TLS = BounceCategory(
    "no-tls",
    BounceSubject.SENDER,
    "the mail came without TLS",
    'set tls = "starttls" or "implicit", or have the relay use TLS',
)
NO_DKIM = BounceCategory(
    "no-dkim",
    BounceSubject.SENDER,
    "the signature is missing or wrong (DKIM)",
    "sign with [[delivery.dkim]], and publish its record in the DNS",
)
NO_DMARC = BounceCategory(
    "no-dmarc",
    BounceSubject.SENDER,
    "the sender's domain has no DMARC record",
    RECORDS,
)
NOT_ALIGNED = BounceCategory(
    "not-aligned",
    BounceSubject.SENDER,
    "the sender's domain is neither the one that signed nor the one of SPF (DMARC)",
    "sign with the domain of the sender's address, or take bounces below it",
)
UNPROVEN = BounceCategory(
    "unproven",
    BounceSubject.SENDER,
    "the mail does not prove who sent it (SPF, DKIM, DMARC)",
    "set up SPF, DKIM and DMARC for the sender's domain; if the issue is paused, resume it",
)
SENDER_REFUSED = BounceCategory(
    "sender-refused",
    BounceSubject.SENDER,
    "the sender's address is refused",
    "see that its domain exists and takes mail; set `sender` or `delivery.smtp.bounces`",
)
HOST_REFUSED = BounceCategory(
    "host-refused",
    BounceSubject.SENDER,
    "the server refuses our host, or the name that it gives itself",
    "set `delivery.smtp.hello` to the host's full name; ask whoever runs the server",
)

# --- about who we are to this server

LOGIN_NEEDED = BounceCategory(
    "login-needed",
    BounceSubject.ACCOUNT,
    "the server wants us to log in",
    "set `delivery.smtp.user` and PUBLISHER_SMTP_PASSWORD",
)
LOGIN_REFUSED = BounceCategory(
    "login-refused",
    BounceSubject.ACCOUNT,
    "the login is refused",
    "check `delivery.smtp.user` and PUBLISHER_SMTP_PASSWORD",
)
TLS_NEEDED = BounceCategory(
    "tls-needed",
    BounceSubject.ACCOUNT,
    "the server wants TLS",
    'set delivery.smtp.tls = "starttls" or "implicit"',
)
NOT_RELAYED = BounceCategory(
    "not-relayed",
    BounceSubject.ACCOUNT,
    "the server carries no mail to others for us",
    "log in with `delivery.smtp.user`, or have the server allow this host",
)
NOT_OURS = BounceCategory(
    "not-ours",
    BounceSubject.ACCOUNT,
    "our account may not send in this sender's name",
    "have the sender's address or domain confirmed with whoever runs the server",
)
SUSPENDED = BounceCategory(
    "suspended",
    BounceSubject.ACCOUNT,
    "our account is suspended",
    "ask whoever runs the server; if the issue is paused, resume it",
)

# --- about nothing of ours

SESSION_OVER = BounceCategory(
    "session-over",
    BounceSubject.SERVER,
    "the server has ended the connection, as it does after some time or some messages",
    "nothing: a new connection is made by itself",
)
BUSY = BounceCategory(
    "busy", BounceSubject.SERVER, "the server is busy or about to stop", NOTHING
)
TROUBLE = BounceCategory(
    "trouble", BounceSubject.SERVER, "the server has trouble of its own", NOTHING
)
NO_WAY = BounceCategory(
    "no-way",
    BounceSubject.UNSAID,
    "the server does not find the way to the reader's",
    "nothing if it passes; else ask whoever runs the server",
)
MISUNDERSTOOD = BounceCategory(
    "misunderstood",
    BounceSubject.UNSAID,
    "the server does not understand what was asked of it",
    "see that host and port are those of a mail server that takes submissions",
)
NOT_NOW = BounceCategory(
    "not-now", BounceSubject.UNSAID, "the server does not take it now", NOTHING
)
NOT_TAKEN = BounceCategory(
    "not-taken",
    BounceSubject.UNSAID,
    "the server does not take it",
    "read the server's words; whoever runs it can say more",
)
