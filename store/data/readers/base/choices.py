"""Choices of the readers by name; free of imports, so that commands can declare them."""

from __future__ import annotations

from typing import Literal

DateOrder = Literal["day-first", "month-first"]
