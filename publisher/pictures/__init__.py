"""Pictures: their size, conversion in a process with limits; and the colours of a design."""
