"""What goes out over HTTP: our own server, and the others by our configuration."""
