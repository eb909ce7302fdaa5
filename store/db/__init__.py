"""The SQLite engine, its transactions and its migrations."""
