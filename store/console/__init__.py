"""What the two programs share on a terminal: output, progress, options, help and exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from store.console.output import maker as maker
    from store.console.output import note as note
    from store.console.output import number as number
    from store.console.output import plain as plain
    from store.console.output import print_json as print_json
    from store.console.output import print_table as print_table
    from store.console.output import say as say
    from store.console.output import say_lines as say_lines
    from store.console.output import shortened as shortened
    from store.console.progress import show_progress as show_progress

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "output": [
            "maker",
            "note",
            "number",
            "plain",
            "print_json",
            "print_table",
            "say",
            "say_lines",
            "shortened",
        ],
        "progress": ["show_progress"],
    },
)
