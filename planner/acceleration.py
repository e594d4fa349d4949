"""Knows whether numba is there to compile the simulation's loops, and what to do when it is not.

Imported only by the kernels, which are imported only when something is simulated.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

# The kernels allocate nothing, so numba need not count references to the arrays they pass around: that
# counting costs seven times the work itself.
_OPTIONS = {"nogil": True, "_nrt": False}

try:
    import numba
except ImportError:  # the optional extra `fast` is not installed: the same code runs uncompiled
    COMPILED = False

    def compiled(function: Function) -> Function:
        """Unchanged without numba."""
        return function

    inlined = compiled
else:
    COMPILED = True

    def compiled(function: Function) -> Function:
        """Compiled on first use and kept on disk."""
        return numba.njit(cache=True, **_OPTIONS)(function)  # type: ignore[call-overload,no-any-return]

    def inlined(function: Function) -> Function:
        """Compiled into its caller."""
        return numba.njit(inline="always", **_OPTIONS)(function)  # type: ignore[call-overload,no-any-return]


def source_number(*modules: ModuleType) -> int:
    """A number from 0 on that changes with what the modules say: numba looks at one file only."""
    return zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in modules))
