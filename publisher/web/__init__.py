"""HTTP: subscribers' pages (`pages`), the editors' console (`console`), the API for programs (`api`).

It parses requests, calls use cases and renders. It decides nothing: `publisher.app` does, as for
commands. Flask is imported here only.
"""
