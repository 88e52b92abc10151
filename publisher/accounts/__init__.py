"""Who may do what in the editors' console: accounts, roles, sign-in, sessions, API keys, audit log.

Functions take an open transaction of their caller. Nothing here knows HTTP or templates.
"""
