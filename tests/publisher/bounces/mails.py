"""Mails about mails, made for the tests: as servers write them, with values of our own."""

ANN = "ann@example.com"
BOUNCES = "bounces@lantern.example"
UNKNOWN_USER = "smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"


def a_status_report(  # the fields of a report, each by its name
    *,
    to: str = BOUNCES,
    recipient: str = ANN,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = UNKNOWN_USER,
    returned: str = "Message-ID: <somebody.else@example.net>\n",
    date: str = "Fri, 09 Jan 2026 12:00:00 +0000",
) -> bytes:
    """Return a delivery status notification, as Postfix writes it."""
    return f"""Return-Path: <>
Date: {date}
From: MAILER-DAEMON@mx.lantern.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.lantern.example.

<{recipient}>: {diagnostic}

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.lantern.example

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--B
Content-Type: text/rfc822-headers

{returned}
--B--
""".encode()


def a_feedback_report(
    *, kind: str = "abuse", to: str = BOUNCES, recipient: str = ANN, returned: str = ""
) -> bytes:
    """Return a complaint, as a mailbox provider sends it (RFC 5965)."""
    return f"""Date: Fri, 09 Jan 2026 12:00:00 +0000
From: <feedback@provider.example>
Subject: Email Feedback Report
To: {to}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is a report about a message that a user marked.

--B
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider/1.0
Version: 1
Original-Rcpt-To: {recipient}

--B
Content-Type: message/rfc822

From: weekly@lantern.example
To: {recipient}
{returned}Subject: The weekly

Words.
--B--
""".encode()


def a_text(
    text: str, *, to: str = BOUNCES, sender: str = "MAILER-DAEMON@mx.example", **header: str
) -> bytes:
    """Return a mail of one text; fields of the header with _ for -."""
    fields = {"Subject": "failure notice", **header}
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"From: {sender}\nTo: {to}\n{lines}\n{text}\n".encode()
