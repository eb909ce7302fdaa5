"""Interactions of a store behind one door: in its table, or in Parquet files beside it."""
