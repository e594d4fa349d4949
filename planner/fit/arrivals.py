"""Knows how jobs arrived: the rate with its band, the variability between neighbours, and the shape over the day."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from planner.fit import laws as fit_laws
from planner.fit.buckets import balanced
from planner.fit.estimates import SURE, Estimate, scv_of
from planner.fit.laws import FittedLaw
from planner.fit.observed import Observed, Steps
from planner.fit.spells import fit_spells
from planner.laws.arrivals import Arrivals, Mmpp, Poisson, Profile, Renewal
from planner.laws.named import Gamma, Vector

HOUR, DAY = 3600.0, 86400.0
HOURS = 24
# A window needs so many arrivals, and there must be so many windows, before their scatter says anything.
WINDOW_ARRIVALS = 10.0
WINDOWS = 20
# A flat day looks as uneven as this once in a thousand times.
FLAT = 0.001


@dataclass(frozen=True, slots=True)
class FittedArrivals:
    """The process, and what it was found from. `shape` is arrivals of each hour of the day (UTC) over the mean."""

    process: Arrivals
    rate: Estimate
    scv: Estimate
    dispersion: float | None
    shape: tuple[float, ...] | None
    how: str
    doubts: tuple[str, ...] = ()


def fit_arrivals(seen: Observed) -> FittedArrivals:
    """Raises LookupError, with the reason, when no rate can be known."""
    if seen.arrivals is None:
        raise LookupError(seen.absent.get("arrivals", f"{seen.source} does not tell how many jobs arrived"))
    if seen.arrivals < 1 or seen.seconds <= 0:
        raise LookupError(f"no job arrived in {seen.seconds:,.0f} s")
    scatter = dispersion(seen.steps) if seen.steps is not None else None
    interval = _interval_law(seen)
    scv = _scv(seen, interval)
    rate = _rate(seen, scatter if scatter is not None else scv.value)
    shape = day_shape(seen.steps, max(scatter or 1.0, 1.0)) if seen.steps is not None else None
    process, how = _process(seen, rate.value or 0.0, scv, interval, shape)
    doubts = tuple(_doubts(seen, scv, scatter, shape, process))
    return FittedArrivals(process, rate, scv, scatter, shape, how, doubts)


def _rate(seen: Observed, scatter: float | None) -> Estimate:
    """Arrivals ÷ seconds; the band grows with the scatter of counts (1 for Poisson, taken where unknown)."""
    assert seen.arrivals is not None
    spread = math.sqrt(max(scatter if scatter is not None else 1.0, 1e-3) * seen.arrivals) / seen.seconds
    return Estimate.around(seen.arrivals / seen.seconds, SURE * spread, seen.arrivals)


def _interval_law(seen: Observed) -> FittedLaw | None:
    """The law of the intervals, from the sample, else from their square sums; None where neither is known."""
    sample = seen.interval_sample
    if sample is not None and len(sample) >= fit_laws.FEW and float(sample.mean()) > 0:
        return fit_laws.of_sample(sample)
    scv = _scv_of_sums(seen)
    if scv is None or not seen.arrivals:
        return None
    mean = seen.seconds / seen.arrivals
    law = Gamma(1.0 / scv, mean) if 0.0 < scv < 1.0 else balanced(mean, scv)
    return FittedLaw(law, f"the measured squared CV {scv:.2f}")


def _scv(seen: Observed, interval: FittedLaw | None) -> Estimate:
    sample = seen.interval_sample
    if sample is not None and len(sample) >= fit_laws.FEW and float(sample.mean()) > 0:
        value = _scv_of_sample(sample, seen.steps)
        count = float(len(sample))
    else:
        plain = _scv_of_sums(seen)
        if plain is None:
            return Estimate.unknown(
                seen.absent.get("intervals", "the square sums of the exporter, or a trace, would tell it")
            )
        value, count = plain, seen.arrivals or 0.0
    return scv_of(interval.law, value, count) if interval is not None else Estimate(value, None, None, count)


def _scv_of_sample(sample: Vector, steps: Steps | None) -> float:
    """Of intervals measured in the mean interval around them, so that a busy hour and a quiet one do not count."""
    mean = float(sample.mean())
    if steps is None or float(sample.sum()) <= HOUR:
        return float(sample.var()) / mean**2
    groups = max(1, min(int(sample.sum() / HOUR), len(sample) // 100))
    moments = np.cumsum(sample)
    place = np.minimum((moments / moments[-1] * groups).astype(int), groups - 1)
    counts = np.bincount(place, minlength=groups)
    sums = np.bincount(place, weights=sample, minlength=groups)
    squares = np.bincount(place, weights=sample**2, minlength=groups)
    some = counts > 1
    return float((counts[some] ** 2 * squares[some] / sums[some] ** 2).sum() / counts[some].sum() - 1.0)


def _scv_of_sums(seen: Observed) -> float | None:
    """From square sums, hour by hour where they are known so, so that the shape of the day does not count."""
    if seen.steps is not None and seen.steps.squares is not None:
        return _scv_by_hours(seen.steps, seen.steps.squares)
    return seen.intervals.scv if seen.intervals is not None else None


def _scv_by_hours(steps: Steps, step_squares: Vector) -> float | None:
    each = max(1, round(HOUR / steps.step_seconds))
    total = hits = 0.0
    for first in range(0, len(steps.counts), each):
        part = slice(first, first + each)
        counts, squares = steps.counts[part], step_squares[part]
        known = np.isfinite(counts) & np.isfinite(squares)
        jobs, seconds = float(counts[known].sum()), float(known.sum()) * steps.step_seconds
        if jobs < WINDOW_ARRIVALS:
            continue
        # A rate measured on n arrivals makes the sum too small by n²/(n+1)(n+2), exactly so for Poisson.
        total += (jobs + 1) * (jobs + 2) * float(squares[known].sum()) / seconds**2
        hits += jobs
    return max(0.0, total / hits - 1.0) if hits > 0 else None


def dispersion(steps: Steps) -> float | None:
    """Variance ÷ mean of the counts of neighbouring windows: 1 for Poisson; None where there are too few.

    Half the mean square of differences between neighbours, so that a slow rise or fall does not count.
    """
    known = steps.known
    if known.sum() <= 0:
        return None
    each = max(1, math.ceil(WINDOW_ARRIVALS / float(known.mean())))
    whole = len(known) // each * each
    windows = known[:whole].reshape(-1, each).sum(axis=1)
    if len(windows) < WINDOWS:
        return None
    return float((np.diff(windows) ** 2).mean() / 2.0 / windows.mean())


def day_shape(steps: Steps, scatter: float) -> tuple[float, ...] | None:
    """Arrivals of each hour of the day over the mean; None without a whole day, or when it looks flat."""
    hours = by_hour_of_day(steps)
    if hours is None:
        return None
    counts, seconds = hours
    rate = counts.sum() / seconds.sum()
    expected = rate * seconds
    excess = float(((counts - expected) ** 2 / expected).sum() / scatter)
    if float(special.chdtrc(HOURS - 1, excess)) > FLAT:
        return None
    rates = counts / seconds
    return tuple(map(float, rates / rates.mean()))


def by_hour_of_day(steps: Steps) -> tuple[Vector, Vector] | None:
    """Arrivals and seconds seen in each hour of the day (UTC); None unless each hour was seen for half of it."""
    if steps.step_seconds > HOUR:
        return None
    middles = steps.start + (np.arange(len(steps.counts)) + 0.5) * steps.step_seconds
    known = np.isfinite(steps.counts)
    hour = (middles[known] % DAY // HOUR).astype(int)
    counts = np.asarray(np.bincount(hour, weights=steps.counts[known], minlength=HOURS), dtype=float)
    seconds = np.asarray(np.bincount(hour, minlength=HOURS) * steps.step_seconds, dtype=float)
    return (counts, seconds) if seconds.min() >= HOUR / 2 and counts.sum() > 0 else None


def _process(
    seen: Observed, rate: float, scv: Estimate, interval: FittedLaw | None, shape: tuple[float, ...] | None
) -> tuple[Arrivals, str]:
    if shape is not None:
        return Profile(shape, rate, DAY), "a rate for each hour of the day (UTC), Poisson within it"
    spells = fit_spells(seen.steps, rate, scv.value) if seen.steps is not None else None
    if spells is not None:
        return spells, f"in spells: {_of_spells(spells)}"
    if interval is None or scv.value is None:
        return Poisson(rate), "Poisson, for want of anything that tells more"
    if scv.low is not None and scv.high is not None and scv.low <= 1.0 <= scv.high:
        return Poisson(rate), f"Poisson: the squared CV of intervals is {scv.value:.2f}, 1 is in its band"
    return Renewal(interval.law), f"independent intervals: {interval.how}"


def _long(span_seconds: float) -> str:
    return f"{span_seconds / HOUR:.3g} h" if span_seconds >= HOUR else f"{span_seconds / 60:.2g} min"


def _of_spells(spells: Mmpp) -> str:
    (high, low), (leaves_high, leaves_low) = spells.rates, spells.switch_per_second
    return (
        f"{high:.3g} a second for {1 / leaves_high:.3g} s, {low:.3g} for {1 / leaves_low:.3g} s, on average"
    )


def _doubts(
    seen: Observed,
    scv: Estimate,
    scatter: float | None,
    shape: tuple[float, ...] | None,
    process: Arrivals,
) -> list[str]:
    found = []
    if scv.value is None:
        found.append(f"variability of arrivals unknown, taken as Poisson: {scv.why}")
    elif shape is not None and scv.low is not None and not scv.low <= 1.0 <= (scv.high or math.inf):
        found.append(
            f"within an hour arrivals vary with squared CV {scv.value:.2f}; the profile is Poisson (1)"
        )
    lumped = scatter is not None and scv.value is not None and scatter > 2.0 * max(scv.value, 0.5)
    if lumped and not isinstance(process, Mmpp):
        found.append(
            f"arrivals come in spells that could not be fitted: counts scatter {scatter:.1f} times as Poisson, "
            f"intervals {scv.value:.1f} times"
        )
    if shape is None and seen.seconds < DAY:
        found.append(
            f"shape over the day unknown: {_long(seen.seconds)} seen, a day is needed; a Prometheus may hold it"
        )
    return found
