"""Pages about issues: calendar, previews, decisions, progress, reports."""
