"""Knows how hard a simulation tries: how sure it must be, how long it may take, from which seed."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Stop when every figure is within `half_width` of itself (95 %), or after `seconds`."""

    half_width: float = 0.004
    seconds: float = 8.0
    seed: int = 1
    round_size: int = 16
    rounds_at_least: int = 2
    threads: int = os.cpu_count() or 1
