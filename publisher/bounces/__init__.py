"""Bounces and complaints: read, attributed to a delivery, scored."""
