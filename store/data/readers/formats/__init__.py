"""The formats: one module for each, with its :class:`~store.data.readers.registry.Reader`."""
