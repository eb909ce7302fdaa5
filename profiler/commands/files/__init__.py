"""Commands that write files for people and other programs."""
