"""ASSEMBLE: issues that are due get their articles; their digests are proved and frozen."""

from publisher.assembly.assembling import assemble, content_of
from publisher.assembly.selecting import preview_selection, select_due

__all__ = ["assemble", "content_of", "preview_selection", "select_due"]
