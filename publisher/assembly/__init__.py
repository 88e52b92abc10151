"""ASSEMBLE: select the articles of due issues, render their digests, check and freeze them."""

from publisher.assembly.approval_check import check_approvals
from publisher.assembly.assemble import (
    assemble_issue,
    assemble_issues,
    issue_content,
    render_variant,
)
from publisher.assembly.revise import revise_issues
from publisher.assembly.select import preview_selection, select_due

__all__ = [
    "assemble_issue",
    "assemble_issues",
    "check_approvals",
    "issue_content",
    "preview_selection",
    "render_variant",
    "revise_issues",
    "select_due",
]
