"""Check whether a mail is fit to be sent: a message in, findings out.

The gate reads no database, no template and no setting; it opens no connection. To add a check,
add a module to `publisher.gate.rules` and list it in `publisher.gate.checks`.
"""
