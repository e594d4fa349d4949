"""Knows how hard a simulation tries: how sure it must be, how long it may take, from which seed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effort:
    """Stop when every figure is within `half_width` of itself (95 %), or after `seconds`.

    `bounds` are values the figures are held against: one that is clear of its bound is sure enough. `shortest` is
    the least number of jobs in a replication: long enough that what is left of the start after the warm-up is far
    below the band.
    """

    half_width: float = 0.004
    seconds: float = 8.0
    seed: int = 1
    round_size: int = 16
    rounds_at_least: int = 2
    threads: int = os.cpu_count() or 1
    shortest: int = 300_000
    bounds: Mapping[str, float] = field(default_factory=dict)
