"""Lists of subscribers as CSV files: read from other programs' exports, imported with a report, exported."""
