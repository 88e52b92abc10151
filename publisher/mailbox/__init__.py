"""Mail that comes in: where it waits, and which commands people write.

commands  what a mail asks for, in every language. Pure
folders   a Maildir on this machine, or a folder on an IMAP server
store     which mails were received, and how far a folder was read
"""
