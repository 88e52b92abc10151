"""Pick up articles from the sources: read, parse, sanitise and store them; knows no issues."""
