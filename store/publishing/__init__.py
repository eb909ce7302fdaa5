"""Publishing: what people query of a store, mirrored into the databases they serve from."""
