"""ASSEMBLE: issues that are due get their articles; their digests are proved and frozen."""

from publisher.assembly.assemble import assemble_issues, issue_content
from publisher.assembly.select import preview_selection, select_due

__all__ = ["assemble_issues", "issue_content", "preview_selection", "select_due"]
