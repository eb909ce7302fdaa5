"""How good stored interests are, measured without a judge."""
