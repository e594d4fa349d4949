"""Knows which inputs of a queue a figure depends on most: elasticities by finite differences, ranked.

An elasticity of 2 says that 1 % more of the input makes the figure 2 % larger. Where the queue has an exact answer, so
has the elasticity. Else both sides of a difference are simulated on the same chance, so that it does not count twice.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.errors import BadInput
from planner.exact.choice import solve_exactly
from planner.figures import read_name
from planner.fleet import Fleet
from planner.laws.arrivals import Poisson, Renewal
from planner.laws.named import Exponential, IoThenCpu
from planner.laws.scaling import faster, longer, varied
from planner.predict import predict
from planner.simulation.runs import draw, replicate
from planner.workload import Workload

STEP = 0.05
SEED = 1
RUNS = 32
JOBS = 60_000
WARMUP = 6_000
# Student's t for 95 % and RUNS - 1.
SURE = 2.04
ZERO = "on one side the figure is 0, and of nothing there is no part"
Pair = tuple[Workload, Fleet]
Turned = Callable[[Workload, Fleet, float], Pair | None]


@dataclass(frozen=True, slots=True)
class Influence:
    """What 1 % more of `input` does to the figure, in per cent, and the half width of its 95 % band."""

    input: str
    elasticity: float
    half_width: float


def influences(
    workload: Workload, fleet: Fleet, figure: str, where: str
) -> tuple[list[Influence], list[str]]:
    """All inputs, the strongest first, and those left out with the reason. Raises BadInput."""
    fleet = fleet.at_work
    _check(workload, fleet, figure, where)
    found, left_out = [], []
    for name, turned in _inputs(workload, fleet):
        low, high = _around(name, fleet)
        pairs = [turned(workload, fleet, factor) for factor in (low, high)]
        why, values = _both(pairs, figure)
        if why:
            left_out.append(f"{name}: {why}")
        else:
            found.append(Influence(name, *_slope(values, math.log(high / low))))
    if not found:
        raise BadInput(f"{where}: {_nothing(left_out)}")
    return sorted(found, key=lambda one: -abs(one.elasticity)), left_out


def _nothing(left_out: Sequence[str]) -> str:
    """Why there is nothing to rank."""
    if all(ZERO in text for text in left_out):
        return "it is 0, so few jobs wait; take a higher quantile or the mean, such as mean_wait"
    return f"nothing can be turned: {'; '.join(left_out)}"


def _both(pairs: Sequence[Pair | None], figure: str) -> tuple[str, Any]:
    """The figure on both sides, one row each; or why it can't be told."""
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return "its law has no such number to turn", None
    if not all(predict(*pair, ()).stable for pair in known):
        return "on one side the queue is unstable", None
    exact = [_exactly(pair, figure) for pair in known]
    rows = [[value] for value in exact] if None not in exact else [_simulated(pair, figure) for pair in known]
    values = np.array(rows, dtype=float)
    if not np.all(values.mean(axis=1) > 0):
        return ZERO, None
    return "", values


def _check(workload: Workload, fleet: Fleet, figure: str, where: str) -> None:
    try:
        name = read_name(figure)
    except (ValueError, BadInput) as error:
        raise BadInput(f"{where}: {error}") from None
    if name.subject not in ("wait", "sojourn") or name.statistic not in ("mean", "quantile"):
        raise BadInput(
            f"{where}: {figure} can't be ranked; take mean_wait, p95_wait, mean_sojourn and the like"
        )
    if isinstance(workload.service, IoThenCpu):
        raise BadInput(f"{where}: io_then_cpu work can't be ranked")
    if fleet.pause is not None:
        raise BadInput(f"{where}: a queue that is paused can't be ranked; leave pause out")
    if not predict(workload, fleet, ()).stable:
        raise BadInput(
            f"{where}: the queue is unstable, its waits grow without end; give it more slots first"
        )


def _inputs(workload: Workload, fleet: Fleet) -> list[tuple[str, Turned]]:
    found: list[tuple[str, Turned]] = [
        ("arrival rate", lambda w, f, x: (replace(w, arrivals=faster(w.arrivals, x)), f)),
        ("service time", lambda w, f, x: (replace(w, service=longer(w.service, x)), f)),
        ("slots", lambda w, f, x: (w, replace(f, slots=round(f.slots * x)))),
        ("variability of service (squared CV)", _service_varied),
    ]
    if isinstance(workload.arrivals, Poisson | Renewal):
        found.append(("variability of arrivals (squared CV)", _arrivals_varied))
    if workload.retries is not None and workload.retries.failure_ratio > 0:
        found.append(("failure ratio", lambda w, f, x: (_retried(w, "failure_ratio", x), f)))
        if workload.retries.delay_seconds > 0:
            found.append(("delay before a retry", lambda w, f, x: (_retried(w, "delay_seconds", x), f)))
    if fleet.rate_limit is not None:
        found.append(("rate limit", _limited))
    return found


def _around(name: str, fleet: Fleet) -> tuple[float, float]:
    """Factors on both sides; slots can only be turned by whole ones."""
    if name != "slots":
        return 1.0 - STEP, 1.0 + STEP
    return max(1, fleet.slots - 1) / fleet.slots, (fleet.slots + 1) / fleet.slots


def _service_varied(workload: Workload, fleet: Fleet, factor: float) -> Pair | None:
    law = varied(workload.service, factor)
    return None if law is None else (replace(workload, service=law), fleet)


def _arrivals_varied(workload: Workload, fleet: Fleet, factor: float) -> Pair | None:
    given: Any = workload.arrivals
    law = varied(
        Exponential(1.0 / given.per_second) if isinstance(given, Poisson) else given.interval, factor
    )
    return None if law is None else (replace(workload, arrivals=Renewal(law)), fleet)


def _retried(workload: Workload, field: str, factor: float) -> Workload:
    assert workload.retries is not None
    value = getattr(workload.retries, field) * factor
    value = min(1.0, value) if field == "failure_ratio" else value
    return replace(workload, retries=replace(workload.retries, **{field: value}))


def _limited(workload: Workload, fleet: Fleet, factor: float) -> Pair:
    """A rate is turned by its window, since starts are whole."""
    assert fleet.rate_limit is not None
    limit = replace(fleet.rate_limit, window_seconds=fleet.rate_limit.window_seconds / factor)
    return workload, replace(fleet, rate_limit=limit)


def _slope(values: Any, apart: float) -> tuple[float, float]:
    """The slope of the logarithm of the mean, and its band by the spread of what each run adds (delta method)."""
    means = values.mean(axis=1)
    slope = math.log(means[1] / means[0]) / apart
    if values.shape[1] < 2:
        return slope, 0.0
    each = values[1] / means[1] - values[0] / means[0]
    return slope, SURE * float(each.std(ddof=1)) / math.sqrt(values.shape[1]) / apart


def _exactly(pair: Pair, figure: str) -> float | None:
    solved = solve_exactly(*pair)
    try:
        return solved.figure(figure) if solved is not None else None
    except LookupError:
        return None


def _simulated(pair: Pair, figure: str) -> list[float]:
    """The figure in each of RUNS runs, always from the same chance."""
    name = read_name(figure)

    def run(chance: np.random.SeedSequence) -> float:
        random = np.random.default_rng(chance)
        sample = replicate(*pair, draw(pair[0], random, JOBS), random, WARMUP)
        seconds = sample.series[name.subject].seconds
        return float(seconds.mean() if name.statistic == "mean" else np.quantile(seconds, name.level))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, np.random.SeedSequence(SEED).spawn(RUNS)))
