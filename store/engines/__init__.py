"""Where work over users is done: in this process, or by the workers of a Ray cluster."""
