"""Knows how a range that a Prometheus holds becomes observations: increases a step, summed after the copies are one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exporter import catalogue as c
from exporter.catalogue import Kind, Metric
from planner.errors import BadInput
from planner.fit import counters as fit_counters
from planner.fit.counters import Counted, Gauges, Labels, Whose
from planner.fit.observed import Crowded, Observed, Steps
from planner.fit.series_of_queues import by_queue, only
from planner.fit.steps_of_range import ranges, refuse_a_short_one, scrape_seconds, step_of
from planner.laws.named import Vector
from planner.stored.growth import milliseconds
from planner.stored.ranges import Prometheus, Range

# Steps in which queues were seen for the first time are looked at as finely as the scrapes of several copies fall.
MOST_BEGINNINGS, FINELY = 50, 10
_TOTALS = (
    c.JOB_DURATION_SQUARE,
    c.ARRIVAL_SQUARE,
    c.PROCESSED,
    c.REQUEUED,
    c.ADDED,
    c.EVENTS_LOST,
    c.EVENTS_GAPS,
)
_HISTOGRAMS = (c.JOB_DURATION, c.JOB_WAIT, c.PAYLOAD)


def observe_range(server: Prometheus, begin: float, end: float, queues: Sequence[str] = ()) -> list[Observed]:
    """What the range holds of each queue. Raises BadInput: no answer, nothing there, or far less than asked for."""
    apart = scrape_seconds(server, begin, end)
    step = step_of(apart, begin, end)
    if begin + step > end:
        raise BadInput(f"--from: the range of {end - begin:.0f} s is shorter than a step of {step:g} s")
    over, wide = ranges(begin, end, step)
    limit = (only(queues),) if queues else ()
    arrivals = _Arrivals.ask(server, over, apart, limit)
    if not arrivals.starts:
        raise BadInput(f"{server.address.shown}: holds no queue with {{{server.selector}}} in this range")
    refuse_a_short_one(server, over, arrivals.starts)
    grown = _totals(server, wide, apart, limit)
    gauges = _gauges(server, over, limit)
    _fill_in_ready_at_first_sight(server, over, apart, arrivals, gauges[c.SIZE.name])
    full = by_queue(server, while_saturated(server, over, apart, limit), over)
    unwatched = _unwatched(server, over, apart)
    found = []
    for whose in sorted(arrivals.starts):
        counted = _counted(whose, over, arrivals, grown.get(whose, {}), gauges, full.get(whose, {}))
        known = np.isfinite(arrivals.starts[whose])
        counted.seconds -= sum(part for step, part in unwatched.get(whose[0], {}).items() if known[step])
        found.append(fit_counters.observe(counted))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Arrivals:
    """First starts, their square sums and the calls that added, of each step by queue; NaN where it was not held."""

    starts: dict[Whose, Vector]
    squares: dict[Whose, Vector]
    added: dict[Whose, Vector]

    @classmethod
    def ask(cls, server: Prometheus, over: Range, apart: float, limit: tuple[str, ...]) -> "_Arrivals":
        def each(name: str) -> dict[Whose, Vector]:
            grown = server.growth(name, over.step, apart, *limit)
            return _only_ones(by_queue(server, grown.since_begun, over))

        return cls(each(f"{c.JOB_WAIT.name}_count"), each(c.ARRIVAL_SQUARE.name), each(c.ADDED.name))

    def totals(self, whose: Whose) -> dict[tuple[str, Labels], float]:
        """What is held against seconds is added up over the steps that are known, and no others."""
        starts = self.starts[whose]
        parts = {
            f"{c.JOB_WAIT.name}_count": starts,
            c.ARRIVAL_SQUARE.name: self.squares.get(whose),
            c.ADDED.name: self.added.get(whose),
        }
        known = np.isfinite(starts)
        return {
            (name, ()): float(np.nansum(values[known]))
            for name, values in parts.items()
            if values is not None
        }


def _only_ones(found: Mapping[Whose, Mapping[Labels, Vector]]) -> dict[Whose, Vector]:
    return {whose: next(iter(series.values())) for whose, series in found.items()}


def _unwatched(server: Prometheus, over: Range, apart: float) -> dict[Labels, dict[int, float]]:
    """Seconds of each step that were over when the exporter of a target began, by target: they brought no counts."""
    up = server.gauge(c.REDIS_UP.name)
    found: dict[Labels, dict[int, float]] = {}
    for (target, _, _), series in by_queue(
        server, up, Range(over.begin - over.step, over.end, over.step)
    ).items():
        for seen in series.values():
            for step in np.flatnonzero(np.isnan(seen[:-1]) & np.isfinite(seen[1:])).tolist():
                found.setdefault(target, {})[step] = 0.0
    for step in sorted({step for steps in found.values() for step in steps})[:MOST_BEGINNINGS]:
        begin = over.begin + step * over.step
        finely = Range(begin, begin + over.step, apart / FINELY)
        for (target, _, _), series in by_queue(server, up, finely).items():
            if step in found.get(target, {}):
                first = min(int(np.argmax(np.isfinite(seen))) for seen in series.values())
                found[target][step] = (first + 1) * finely.step
    return found


def _totals(
    server: Prometheus, wide: Range, apart: float, limit: tuple[str, ...]
) -> dict[Whose, dict[tuple[str, Labels], float]]:
    """How much every counter grew over the range."""
    found: dict[Whose, dict[tuple[str, Labels], float]] = {}
    for name, summed in _counters():
        grown = server.growth(name, wide.step, apart, *limit).in_part
        query = f"sum without ({', '.join(summed)}) ({grown})" if summed else grown
        for whose, series in by_queue(server, query, wide).items():
            for own, values in series.items():
                if np.isfinite(values).any():
                    found.setdefault(whose, {})[name, own] = float(np.nansum(values))
    return found


def _counters() -> Iterable[tuple[str, tuple[str, ...]]]:
    """Samples to ask for, and the labels to sum over: of a histogram only its buckets matter."""
    for metric in _TOTALS:
        yield metric.name, ()
    for metric in _HISTOGRAMS:
        for part in ("bucket", "sum", "count"):
            yield f"{metric.name}_{part}", _summed(metric)


def _summed(metric: Metric) -> tuple[str, ...]:
    return metric.labels if metric.kind is Kind.HISTOGRAM else ()


def _gauges(
    server: Prometheus, over: Range, limit: tuple[str, ...]
) -> dict[str, dict[Whose, dict[Labels, Vector]]]:
    """Gauges at the begin of the range and at each step, by name."""
    ends = Range(over.begin - over.step, over.end, over.step)
    found = {c.SIZE.name: by_queue(server, _sizes(server, *limit), ends)}
    for name in (c.ACTIVE_UNLOCKED.name, c.WORKERS.name, c.WORKERS_SATURATED.name):
        found[name] = by_queue(server, server.gauge(name, *limit), ends)
    return found


def _sizes(server: Prometheus, *more: str) -> str:
    states = "|".join((*fit_counters.READY_STATES, "active"))
    return server.gauge(c.SIZE.name, f'state=~"{states}"', *more)


def _fill_in_ready_at_first_sight(
    server: Prometheus,
    over: Range,
    apart: float,
    arrivals: _Arrivals,
    sizes: Mapping[Whose, Mapping[Labels, Vector]],
) -> None:
    """A counter that began within a step counts from its first sample on; what was ready then is where growth begins.

    Held against what was ready a step later, the jobs that became ready in between would be lost.
    """
    began: dict[int, list[Whose]] = {}
    for whose, states in sizes.items():
        unseen = np.isnan(np.sum(list(states.values()), axis=0))
        starts = arrivals.starts.get(whose, np.full(over.moments, np.nan))
        for step in np.flatnonzero(unseen[:-1] & np.isfinite(starts)).tolist():
            began.setdefault(step, []).append(whose)
    for step, here in sorted(began.items(), key=lambda pair: -len(pair[1]))[:MOST_BEGINNINGS]:
        begin = over.begin + step * over.step
        finely = Range(begin, begin + over.step, apart / FINELY)
        seen = by_queue(server, _sizes(server, only([queue for _, _, queue in here])), finely)
        for whose in here:
            for state, values in seen.get(whose, {}).items():
                if np.isfinite(values).any():
                    sizes[whose][state][step] = values[np.isfinite(values)][0]


def while_saturated(server: Prometheus, over: Range, apart: float, limit: tuple[str, ...]) -> str:
    """Most jobs at work per worker in each step, of the scrapes at which no worker had a free slot.

    A step is much longer than a saturated moment, so every scrape within it is looked at.
    """
    sizes = server.gauge(c.SIZE.name, 'state="active"', *limit)
    active = f"sum without (state) ({sizes})"
    unlocked, workers = server.gauge(c.ACTIVE_UNLOCKED.name, *limit), server.gauge(c.WORKERS.name, *limit)
    saturated = server.gauge(c.WORKERS_SATURATED.name, *limit)
    each = f"((({active} - {unlocked}) or {active}) / ({workers} > 0)) and ({saturated} >= {workers})"
    return f"max_over_time(({each})[{milliseconds(over.step)}:{milliseconds(apart)}])"


def _crowded(per_worker: Vector, workers: Vector) -> tuple[Crowded, ...]:
    """A moment for each step that had one, with the workers at its end."""
    return tuple(
        Crowded(float(each * count), float(count))
        for each, count in zip(per_worker, workers, strict=False)
        if each > 0 and count > 0
    )


def _counted(
    whose: Whose,
    over: Range,
    arrivals: _Arrivals,
    totals: dict[tuple[str, Labels], float],
    gauges: Mapping[str, Mapping[Whose, Mapping[Labels, Vector]]],
    full: Mapping[Labels, Vector],
) -> Counted:
    starts = arrivals.starts[whose]
    known = np.isfinite(starts)
    # Totals count what grew while steps were unknown; steps, of which the copy that saw most counts, add up to a little
    # more than one copy saw in all. Both are too much: the smaller is nearer.
    within = {key: min(value, totals.get(key, value)) for key, value in arrivals.totals(whose).items()}
    grown = {**totals, **within}
    counted = Counted(whose, "prometheus", over.begin, float(known.sum()) * over.step, grown)
    counted.gauges = _gauges_of(whose, over.moments + 1, gauges)
    counted.crowded = _crowded(next(iter(full.values()), np.zeros(0)), counted.gauges.workers[1:])
    counts = fit_counters.arrived_in_steps(starts, counted.gauges.ready)
    counted.steps = Steps(over.begin, over.step, counts, arrivals.squares.get(whose))
    if (unknown := int((~known).sum())) > 0:
        counted.doubts.append(f"nothing is held of {unknown:,} of {len(known):,} steps of {over.step:g} s")
    return counted


def _gauges_of(
    whose: Whose, moments: int, gauges: Mapping[str, Mapping[Whose, Mapping[Labels, Vector]]]
) -> Gauges:
    absent = np.full(moments, np.nan)
    sizes = gauges[c.SIZE.name].get(whose, {})

    def plain(name: str) -> Vector:
        return next(iter(gauges[name].get(whose, {}).values()), absent)

    ready = sum(
        (sizes.get((("state", state),), absent) for state in fit_counters.READY_STATES), np.zeros(moments)
    )
    return Gauges(
        np.asarray(ready),
        sizes.get((("state", "active"),), absent),
        plain(c.ACTIVE_UNLOCKED.name),
        plain(c.WORKERS.name),
        plain(c.WORKERS_SATURATED.name),
    )
