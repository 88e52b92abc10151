"""Who may do what at the editors' desk: accounts, roles, sign-in, sessions, API keys, audit log.

Functions take an open transaction of their caller. Nothing here knows HTTP or templates.
"""
