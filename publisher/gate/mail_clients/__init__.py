"""KNOW: what mail programs can show, as caniemail measured it."""
