"""Sets of words, written as one writes words. Knows nothing of what they mean."""


def words(text: str) -> frozenset[str]:
    """Give the words of a text that white space parts."""
    return frozenset(text.split())
