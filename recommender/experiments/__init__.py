"""Models against models over several seeds."""
