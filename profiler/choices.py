"""Closed choices that settings and options of commands share; importing them costs nothing."""

from __future__ import annotations

from typing import Literal, TypeAlias

ItemText: TypeAlias = Literal["title", "title+categories"]
HistoryVector: TypeAlias = Literal["mean", "text"]
Cut: TypeAlias = Literal["recent", "spread"]
How: TypeAlias = Literal["whole", "name"]
"""Whether a model is asked whole questions, or names groups that the code has made."""
JsonMethod: TypeAlias = Literal["json_schema", "json_mode", "text"]
BatchFormat: TypeAlias = Literal["openai", "openai-responses", "anthropic", "gemini"]
ShownUsers: TypeAlias = Literal["pseudonyms", "ids", "none"]
Things: TypeAlias = Literal["product", "film", "song", "article", "book", "item"]
"""What a history is made of; ``item`` is neutral."""
Who: TypeAlias = Literal["exemplars", "all"]
"""Whose histories describe items, and who is described by them."""
HintPurpose: TypeAlias = Literal["ranking", "profiling"]
"""What hints are given for: putting candidates in order, or writing interests."""
