"""Whom to ask about."""
