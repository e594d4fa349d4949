"""Knows quantiles over the jobs of several queues: of the mixture of their laws, each in proportion to its jobs."""

from collections.abc import Callable, Sequence
from math import hypot

from scipy import optimize

from planner.prediction import Figure, Tail


def quantile_of_all(
    parts: Sequence[float], tails: Sequence[Tail], level: float, own: Sequence[float]
) -> Figure:
    """The seconds that a share `level` of all jobs stays within.

    `parts` are the shares of the queues and sum to 1; `own` is the same quantile of each queue alone: that of all lies
    between them.
    """
    rest = 1.0 - level

    def above(t: float) -> float:
        return sum(part * tail(t).value for part, tail in zip(parts, tails, strict=True))

    found = _crossing(above, rest, min(own), max(own))
    band = hypot(*(part * tail(found).half_width for part, tail in zip(parts, tails, strict=True)))
    if band == 0.0:
        return Figure(found)
    early = _crossing(above, rest + band, 0.0, found)
    late = _crossing(
        above, max(rest - band, 1e-12), found, _low_enough(above, max(rest - band, 1e-12), found)
    )
    return Figure(found, (late - early) / 2.0)


def _crossing(above: Callable[[float], float], rest: float, low: float, high: float) -> float:
    """Where the falling share above comes down to `rest`; an end where it is there already, but for roundings."""
    if above(low) <= rest:
        return low
    if above(high) >= rest:
        return high
    return float(optimize.brentq(lambda t: above(t) - rest, low, high, xtol=1e-12, rtol=1e-9))


def _low_enough(above: Callable[[float], float], rest: float, start: float) -> float:
    end = max(2.0 * start, 1e-6)
    while above(end) > rest and end < 1e15:
        end *= 2.0
    return end
