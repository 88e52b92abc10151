"""Limits of mail clients and of the message format. The gate checks those of clients."""

# Bytes of a mail's HTML part, decoded. Gmail clips a mail at about 102,000 bytes and hides the
# rest, the unsubscribe link included. It is not documented which bytes count. Base64 makes
# 101,300 bytes of 74,000, so a mail within this limit is safe by every count.
MAX_HTML_BYTES = 74_000

# Columns of a subject. Phones show about 40, desktop clients about 70.
MAX_SUBJECT_COLUMNS = 65

# Elements within each other. Parsers drop what is nested deeper than about 255 without a word.
MAX_NESTING = 100

# Columns of a line of a text part. RFC 5322 section 2.1.1 recommends 78; two are left for the quote mark of a reply.
MAX_TEXT_COLUMNS = 76

# Characters of a header line, and of a line of quoted-printable with its `=`, without the line end
# (RFC 2047 section 2; RFC 2045 section 6.7, rule 5). RFC 5322 section 2.1.1 recommends 78.
MIME_COLUMNS = 76

# Characters of any line of a message, without the line end (RFC 5322 section 2.1.1).
MAX_LINE_LENGTH = 998

# Characters of a URL. Some clients, and servers that rewrite links, cut longer ones.
MAX_URL_LENGTH = 2_000

# CSS pixels: a mail's column, and the narrowest phones (WCAG 2.2, 1.4.10).
MAIL_WIDTH = 600
PHONE_WIDTH = 320
