"""Keep memory that is freed, for what comes next needs it again."""

from __future__ import annotations

import ctypes

# From malloc.h of glibc.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
MEBIBYTE = 2**20


def keep_freed_memory() -> None:
    """Tell glibc to reuse memory instead of giving it back to the system after each use.

    Large arrays are otherwise mapped anew each time: page faults take a tenth of a training step on
    a CPU, and a quarter of converting. Elsewhere than on glibc nothing is done.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2047 * MEBIBYTE)
        libc.mallopt(M_TOP_PAD, 64 * MEBIBYTE)


def give_back_freed_memory() -> None:
    """Give what is free now back to the system, between pieces of work of different kinds.

    Blocks of one kind of work rarely fit into the gaps that another has left.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
