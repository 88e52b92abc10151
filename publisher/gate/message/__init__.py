"""CHECK the message: its bytes, header and parts, and that both say what the stories say."""
