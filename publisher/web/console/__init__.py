"""The editors' console over HTTP: `publisher console`. A process of its own, on a host name of its own.

Modules of pages have `ROUTES`, tables of which `application` is made.
"""
