"""Errors of models that did not train."""

from __future__ import annotations

from store.errors import UserError


class NotNumbersError(UserError):
    """A model whose scores are NaN."""
