"""Mails about a subscription, sent before issues from the retry queue.

kinds     what there is to say, and what each kind needs
ledger    their rows in the queue: enqueued, cancelled, read with whom they go to, counted
composer  the message of a notice
sender    sends what is due: notices, and other mails to one person
"""
