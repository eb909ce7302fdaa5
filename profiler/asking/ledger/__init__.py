"""Calls as they are reserved, sent, kept and counted."""
