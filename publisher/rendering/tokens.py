"""The places in a finished digest where a reader's own values go.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them; templates
write them like any other text. Knows no reader.
"""

UNSUBSCRIBE = "@@UNSUBSCRIBE@@"
PREFERENCES = "@@PREFERENCES@@"
READER_ADDRESS = "@@ADDRESS@@"

TOKENS = (UNSUBSCRIBE, PREFERENCES, READER_ADDRESS)
