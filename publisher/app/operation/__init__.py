"""Operation: cycles, the service, its state, backups and recovery."""
