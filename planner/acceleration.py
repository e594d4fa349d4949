"""Knows whether numba is there to compile the simulation's loops, and what to do when it is not.

Imported only by the kernels, which are imported only when something is simulated.
"""

from collections.abc import Callable
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
