"""Tell other programs what happened: signed requests to their addresses (Standard Webhooks 1.0).

An event is queued in the transaction of what it is about, and sent at least once, each time under the same id, in no
certain order. No event has an address or a name of a subscriber.
"""
