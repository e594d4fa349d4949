"""Knows that the waits of priority classes on one slot agree with M/M/1 and with a plain simulation."""

from collections import deque

import numpy as np
import pytest

from planner.exact.priorities import class_waits
from planner.exact.single_slot_classes import single_slot_class_waits
from planner.laws.named import Exponential, Lognormal

RATES = (0.2, 0.2, 0.2)
SKEWED = Lognormal(-0.5 * np.log(2.0), np.sqrt(np.log(2.0)))  # mean 1, squared CV 1


def test_an_exponential_service_gives_the_waits_of_the_exponential_formula() -> None:
    ours, theirs = single_slot_class_waits(RATES, Exponential(1.0)), class_waits(1, RATES, 1.0)
    for one, other in zip(ours, theirs, strict=True):
        assert one.mean == pytest.approx(other.mean, rel=1e-12)
        assert [one.tail(t) for t in (0.1, 1.0, 5.0)] == pytest.approx(
            [other.tail(t) for t in (0.1, 1.0, 5.0)], abs=1e-9
        )


def test_a_plain_simulation_agrees_within_its_error() -> None:
    waits = single_slot_class_waits(RATES, SKEWED)
    runs = [simulated(np.random.default_rng(seed), 60_000) for seed in range(12)]
    for index, wait in enumerate(waits):
        for t in (0.5, 2.0, 6.0):
            shares = np.array([(run[index] > t).mean() for run in runs])
            error = shares.std(ddof=1) / np.sqrt(len(runs))
            assert abs(shares.mean() - wait.tail(t)) < 4 * error


def simulated(random: np.random.Generator, jobs: int) -> list[np.ndarray]:
    """Waits of each class; first come first served within a class, the higher class first."""
    arrivals = np.cumsum(random.exponential(1 / sum(RATES), jobs))
    classes = random.choice(len(RATES), jobs, p=np.array(RATES) / sum(RATES))
    services = random.lognormal(SKEWED.log_mean, SKEWED.sigma, jobs)
    queues: list[deque[int]] = [deque() for _ in RATES]
    now, came, waited = 0.0, 0, np.empty(jobs)
    while came < jobs or any(queues):
        if not any(queues):
            now = max(now, arrivals[came])
        while came < jobs and arrivals[came] <= now:
            queues[classes[came]].append(came)
            came += 1
        job = next(queue for queue in queues if queue).popleft()
        waited[job] = now - arrivals[job]
        now += services[job]
    begun = jobs // 20  # the queue starts empty
    return [waited[begun:][classes[begun:] == index] for index in range(len(RATES))]
