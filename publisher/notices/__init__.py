"""Mails about a subscription: a ledger of their own, sent before issues.

kinds     what there is to say, and what each kind needs
tables    the ledger
queue     enqueue and cancel notices, and count their outcomes
"""
