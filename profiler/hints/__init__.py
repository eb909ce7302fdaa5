"""Hints: advice that a model learns from its mistakes, and what is kept of it (Re2LLM)."""
