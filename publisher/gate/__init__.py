"""PROVE: is this mail fit to be sent? Findings out of bytes; pure, but for data that ship with it.

Knows no issue, no template and no reader.
"""
