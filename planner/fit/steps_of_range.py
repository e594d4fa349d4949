"""Knows into which steps and windows a range of a Prometheus is cut, and whether it holds enough of them."""

from collections.abc import Mapping

import numpy as np

from exporter import catalogue as c
from exporter.durations import SECONDS_PER_UNIT
from planner.errors import BadInput
from planner.fit.counters import Whose
from planner.laws.named import Vector
from planner.stored.ranges import Prometheus, Range

# Steps for arrivals; they divide a day; a step needs some scrapes.
NICE_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
SCRAPES_A_STEP = 4
MOST_STEPS = 2000
# Totals are added up from few wide windows: what is guessed of one in which an exporter came or went hardly counts.
WINDOWS, WIDEST_SECONDS = 24, 6 * 3600.0
# A range of which less than this is held is not the range that was asked for.
LEAST_HELD = 0.1
# So many steps or fewer are no measure of what is held.
FEW_STEPS = 20
LOOKBACK_SECONDS = 3600.0


def scrape_seconds(server: Prometheus, begin: float, end: float) -> float:
    """How far apart the exporter's samples are, at the end or else amid the range; a minute where none are seen."""
    for moment in (end, (begin + end) / 2):
        sampled = server.sampled_at(server.select(c.REDIS_UP.name), LOOKBACK_SECONDS, moment)
        apart = [float(np.median(np.diff(moments))) for moments in sampled if len(moments) > 2]
        if apart:
            return max(apart)
    return 60.0


def step_of(apart: float, begin: float, end: float) -> float:
    """The smallest nice step that holds some scrapes and leaves not too many steps."""
    least = max(SCRAPES_A_STEP * apart, (end - begin) / MOST_STEPS)
    return float(next((nice for nice in NICE_SECONDS if nice >= least - 1e-9), NICE_SECONDS[-1]))


def ranges(begin: float, end: float, step: float) -> tuple[Range, Range]:
    """Fine steps for arrivals and wide windows for totals, over the same time: whole windows up to the end."""
    fine = int((end - begin) / step + 1e-9)
    each = max(1, min(fine // WINDOWS if fine >= WINDOWS else fine, int(WIDEST_SECONDS / step)))
    begin = end - fine // each * each * step
    return Range(begin, end, step), Range(begin, end, each * step)


def refuse_a_short_one(server: Prometheus, over: Range, starts: Mapping[Whose, Vector]) -> None:
    steps = max(int(np.isfinite(values).sum()) for values in starts.values())
    asked = over.end - over.begin
    if steps * over.step >= LEAST_HELD * asked:
        return
    held = steps * over.step if steps > FEW_STEPS else _held_seconds(server, over)
    raise BadInput(
        f"{server.address.shown}: holds {_span(held)} of the {_span(asked)} asked for; "
        f"give --from now-{_span(held)} to fit those, or wait until it holds more"
    )


def _held_seconds(server: Prometheus, over: Range) -> float:
    """From the first sample to the last, since a step may be held in part."""
    window = min((FEW_STEPS + 2) * over.step, over.end - over.begin)
    sampled = server.sampled_at(server.select(c.REDIS_UP.name), window, over.end)
    return max((moments[-1] - moments[0] for moments in sampled), default=0.0)


def _span(span_seconds: float) -> str:
    unit = next((u for u in ("d", "h", "m") if span_seconds >= 2 * SECONDS_PER_UNIT[u]), "s")
    return f"{span_seconds / SECONDS_PER_UNIT[unit]:.0f}{unit}"
