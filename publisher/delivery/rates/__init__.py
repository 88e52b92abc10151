"""Rate limits: messages per second, hour and day, for all processes together.

The buckets are in the database. They are read and written in the transaction that reserves rows,
so each message is counted once, whichever process sends it. The time is an argument.
"""
