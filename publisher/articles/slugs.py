"""The name of a story in its URLs, made from its key."""

from __future__ import annotations

import hashlib

from slugify import slugify

# Characters; longer names exceed limits of file systems and of lines in mails.
_MAX_SLUG_LENGTH = 80


def story_slug(key: str, attempt: int = 0) -> str:
    """Return the ASCII name of a story in its URLs; a higher `attempt` gives another one."""
    slug = slugify(key, max_length=_MAX_SLUG_LENGTH, word_boundary=True)
    if slug and not attempt:
        return slug
    seed = key if attempt <= 1 else f"{key}\n{attempt}"
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else f"story-{digest}"
