"""Models that go on from a trained one, and how yesterday's model does on today's events."""
