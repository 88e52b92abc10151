"""Commands that run, watch, back up and recover a publication."""
