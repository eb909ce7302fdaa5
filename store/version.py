"""The version of the distribution, in one place; the packaging reads it from here."""

from __future__ import annotations

__version__ = "0.2.0.dev0"
