"""Runs with hints: learning them from nominated cases, and re-ranking a list with one."""
