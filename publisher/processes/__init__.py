"""Processes of our own with limits, for what may take any amount of time and memory."""
