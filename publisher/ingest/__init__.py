"""Pick up articles from the sources: read, parse, sanitise and store them. Issues are made by `publisher.issues`."""
