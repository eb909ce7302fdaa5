"""Memory that is taken and given back in every step."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_memory() -> bool:
    """Ask glibc to keep freed memory for the next step instead of returning it to the system.

    Tensors of some megabytes are otherwise mapped anew in every step, and the system fills each
    page with zeros: about a third of a SASRec step on CPU. The setting holds for the process.

    Returns
    -------
    bool
        Whether it took effect; False where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
