"""Commands about subscribers, and about the mail that they write."""
