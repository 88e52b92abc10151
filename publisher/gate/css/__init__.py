"""Read CSS: style sheets, the cascade and the computed style of each element."""
