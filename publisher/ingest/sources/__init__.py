"""Kinds of sources, one module each, behind the protocol in `base`."""
