"""Look-ups about those that interests belong to: users, exemplars and synthetic users."""
