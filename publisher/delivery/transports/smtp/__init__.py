"""The transport that hands mail to a mail server by SMTP (RFC 5321)."""
