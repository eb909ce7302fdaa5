"""What a build and an append share: the steps after the data are stored, and the report."""
