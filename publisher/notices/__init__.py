"""Mails about a subscription: a ledger of their own, sent before issues.

kinds     what there is to say, and what each kind needs
tables    the ledger
ledger    its rows: enqueued, cancelled, reserved before they are sent, settled, counted
composer  the message of a notice
sender    sends what is due
"""
