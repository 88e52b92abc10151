"""PLAN: newsletters, editions, occurrences, selection, the life of an issue."""
