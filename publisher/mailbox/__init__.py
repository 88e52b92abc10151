"""Mail that comes in: where it waits, and which commands people write.

    commands  what a mail asks for, in every language. Pure
    maildir   a Maildir on this machine
    imap      a folder on an IMAP server
    store     which mails were received, and how far a folder was read
    tables    their tables

`publisher.app.mailbox` does what the mails ask for. Reports of failed mail are `publisher.bounces`'s.
"""
