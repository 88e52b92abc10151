"""What mail clients support, as caniemail.com tested it, and what a mail uses of it."""
