"""Commands about issues: calendar, plan, preview, decisions, deliveries, reports."""
