"""SEND: one message per reader, once."""
