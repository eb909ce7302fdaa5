"""Look-ups for people: what the commands, the reports and the explanations read."""
