"""Who makes a change by hand: the option of the commands that make one."""

from __future__ import annotations

from typing import Annotated

from store.console.options import option

Author = Annotated[str | None, option("Who says so.", "--by", default="your login name")]


def author_name(by: str | None) -> str:
    """Return the name that was given, else that of the login; empty where there is none."""
    if by is not None:
        return by
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
