"""Any table → the standard frames of interactions and items."""
