"""Knows how hard a simulation tries: how sure it must be, how much it may run, from which seed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.figures import Name
from planner.prediction import Figure


@dataclass(frozen=True, slots=True)
class Effort:
    """Stop when every figure is within `half_width` of itself (95 %), or after as many jobs as a quiet machine does in
    `seconds` (planner/simulation/budget.py), or after `most_jobs` where they are given.

    `bounds` are values the figures are held against: one that is clear of its bound is sure enough. `shortest` is
    the least number of jobs in a replication: long enough that what is left of the start after the warm-up is far
    below the band. A band narrower than `share_seen` or `seconds_seen` is not seen by who reads the figure; quantiles
    that fewer than one job in a hundred exceed may be `rare` times as wide, the p99 half of that.
    """

    half_width: float = 0.004
    seconds: float = 8.0
    most_jobs: int | None = None
    seed: int = 1
    round_size: int = 16
    rounds_at_least: int = 2
    threads: int = os.cpu_count() or 1
    shortest: int = 300_000
    share_seen: float = 0.0
    seconds_seen: float = 0.0
    rare: float = 1.0
    bounds: Mapping[str, float] = field(default_factory=dict)

    def seen(self, name: Name, figure: Figure) -> float:
        """The band as a part of the one wanted: above 1 more jobs are needed."""
        width = self.half_width * self._rarity(name)
        if figure.value == 0.0:
            return 0.0
        share = name.statistic in ("prob", "share_within", "scalar")
        wanted = max(width * abs(figure.value), self.share_seen if share else self.seconds_seen)
        return figure.half_width / wanted

    def _rarity(self, name: Name) -> float:
        if name.statistic != "quantile" or name.level < 0.99:
            return 1.0
        return self.rare if name.level > 0.99 else max(1.0, self.rare / 2.0)
