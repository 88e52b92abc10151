"""Pick up the items of all sources: read, parse and store what is new, changed or gone."""
