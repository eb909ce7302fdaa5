"""The explorer: the report's page over the live store, served on this machine alone."""
