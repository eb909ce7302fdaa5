"""Commands written so that a shell reads them as they were meant, whatever the names in them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable


def in_shell(words: Iterable[str]) -> str:
    """Join words as bash and zsh read them; a name that is no text is written with its bytes."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        signs = (
            chr(byte)
            if (chr(byte).isalnum() and byte < 128) or chr(byte) in "._-/"
            else f"\\x{byte:02x}"
            for byte in os.fsencode(word)
        )
        return f"$'{''.join(signs)}'"
    return shlex.quote(word)
