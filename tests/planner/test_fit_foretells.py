"""Proves that what is fitted to a trace foretells the waits of that trace: fit and predict together.

The queues are made here: arrivals and services drawn, first come first served on slots, by a few lines of our own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
import pytest

from planner.fit.attempts import observe_attempts
from planner.fit.fitting import fit
from planner.fleet import Fleet
from planner.predict import predict
from planner.replay.trace import Attempt
from planner.simulation.effort import Effort

JOBS, SLOTS, LOAD = 60_000, 6, 0.8
Draw = Callable[[np.random.Generator], np.ndarray]


def spells(random: np.random.Generator) -> np.ndarray:
    """Arrival times of a mean rate of 8 a second: 20 for 10 s on average, 2 for 20 s."""
    moment, busy, found = 0.0, True, []
    while sum(map(len, found)) < JOBS:
        lasts = random.exponential(10.0 if busy else 20.0)
        found.append(moment + np.sort(random.random(random.poisson((20.0 if busy else 2.0) * lasts))) * lasts)
        moment, busy = moment + lasts, not busy
    return np.concatenate(found)[:JOBS]


ARRIVALS: dict[str, Draw] = {
    "Poisson": lambda random: np.cumsum(random.exponential(1 / 8, JOBS)),
    "bursts": lambda random: np.cumsum(random.gamma(0.25, 0.5, JOBS)),
    "spells": spells,
}
SERVICES: dict[str, Draw] = {
    "exponential": lambda random: random.exponential(1.0, JOBS),
    "two speeds": lambda random: (
        np.where(random.random(JOBS) < 0.9, 0.4, 6.4) * random.uniform(0.9, 1.1, JOBS)
    ),
    "lognormal": lambda random: random.lognormal(-0.5, 1.0, JOBS),
}


def played(arrivals: np.ndarray, services: np.ndarray) -> list[Attempt]:
    free = [0.0] * SLOTS
    found = []
    for number, (ready, seconds) in enumerate(zip(arrivals, services, strict=True)):
        start = max(ready, heapq.heappop(free))
        heapq.heappush(free, start + seconds)
        found.append(Attempt(str(number), 1, float(ready), float(start), float(start + seconds), "completed"))
    return sorted(found, key=lambda attempt: attempt.started)


@pytest.mark.parametrize(
    ("arrival", "service"),
    [
        ("Poisson", "two speeds"),
        ("Poisson", "lognormal"),
        ("bursts", "exponential"),
        ("spells", "exponential"),
    ],
)
def test_what_was_fitted_foretells_the_waits_that_it_never_looked_at(arrival: str, service: str) -> None:
    random = np.random.default_rng(40)
    arrivals, services = ARRIVALS[arrival](random), SERVICES[service](random)
    services *= LOAD * SLOTS * float(np.diff(arrivals).mean()) / services.mean()
    attempts = played(arrivals, services)
    found = fit(observe_attempts("email", attempts))
    assert found.workload is not None and found.slots.count == SLOTS
    told = predict(
        found.workload, Fleet(SLOTS), ("mean_wait", "p95_wait"), Effort(half_width=0.02, seconds=4.0)
    )
    waits = np.array([attempt.started - attempt.ready for attempt in attempts if attempt.ready is not None])
    # A run of so many jobs strays from its long mean by as much, spells most of all.
    strays = 0.3 if arrival == "spells" else 0.15
    assert told["mean_wait"] == pytest.approx(waits.mean(), rel=strays)
    assert told["p95_wait"] == pytest.approx(np.quantile(waits, 0.95), rel=strays)


@pytest.mark.parametrize("longer", [1.0, 2.0])
def test_work_that_took_longer_in_the_second_half_is_a_doubt(longer: float) -> None:
    random = np.random.default_rng(7)
    arrivals = np.cumsum(random.exponential(0.2, 800))
    services = random.lognormal(-1.0, 1.0, 800) * np.repeat([1.0, longer], 400)
    doubts = fit(observe_attempts("email", played(arrivals, services))).doubts
    assert any("in the first half of the trace" in doubt for doubt in doubts) is (longer > 1.0)
