"""How fast many queues are sized, and whether runs of jobs agree.

    python -m tests.bench.planner_sizes [--queues 1000] [--checked 20]

Smallest slots of 1,000 queues with Poisson arrivals, lognormal, gamma and two-speed services (squared coefficients of
variation 0.3 to 4, 0.3 to 20 Erlangs) and objectives for the p95 wait: in under 5 s. Some of the answers are then run
for a million jobs each, and one slot fewer too. A JSON summary at the end; exit status 1 unless all hold.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

import numpy as np

from planner.acceleration import COMPILED
from planner.laws.arrivals import Poisson
from planner.laws.named import Exponential, Gamma, Law, Lognormal, Mixture
from planner.objective import Bound, Objective
from planner.simulation import fcfs
from planner.size.general import sizes
from planner.workload import Workload

Queue = tuple[Workload, Objective]
# An answer is refuted when a run is clear of the 5 % by four times its own uncertainty.
CLEAR, PARTS, JOBS = 4.0, 50, 1_000_000


def law(kind: int, mean: float, scv: float) -> Law:
    """Lognormal, gamma, or two exponentials with balanced means."""
    if kind == 0:
        sigma = float(np.sqrt(np.log1p(scv)))
        return Lognormal(float(np.log(mean)) - sigma**2 / 2, sigma)
    if kind == 1 or scv <= 1.0:
        return Gamma(1.0 / scv, mean)
    share = (1.0 + ((scv - 1.0) / (scv + 1.0)) ** 0.5) / 2.0
    parts = Exponential(mean / (2.0 * share)), Exponential(mean / (2.0 * (1.0 - share)))
    return Mixture((share, 1.0 - share), parts)


def queues(count: int, seed: int = 11) -> list[Queue]:
    """As varied as fleets are."""
    random = np.random.default_rng(seed)
    found = []
    for kind in range(count):
        load, mean, scv = (
            random.uniform(0.3, 20.0),
            random.uniform(0.1, 5.0),
            random.choice([0.3, 0.7, 2.0, 4.0]),
        )
        bound = Bound("p95_wait", float(mean * random.uniform(0.05, 1.0)))
        workload = Workload(Poisson(load / mean), law(kind % 3, float(mean), float(scv)))
        found.append((workload, Objective((bound,))))
    return found


def late(queue: Queue, slots: int, seed: int) -> tuple[float, float]:
    """Share of a long run's jobs that wait longer than the bound, and its standard error."""
    workload, objective = queue
    random = np.random.default_rng(seed)
    times = np.cumsum(random.standard_exponential(JOBS)) / workload.arrivals.per_second
    waits = fcfs.waits(times, workload.service.draw(random, JOBS), slots)[JOBS // 20 :]  # type: ignore[union-attr]
    parts = (waits > objective.bounds[0].value).reshape(PARTS, -1).mean(axis=1)
    return float(parts.mean()), float(parts.std(ddof=1) / np.sqrt(PARTS))


def refuted(queue: Queue, slots: int) -> str:
    """What a long run says against the answer; empty when nothing."""
    share, error = late(queue, slots, seed=5)
    if share - CLEAR * error > 0.05:
        return f"{slots} slots are too few: {share:.4f} ± {error:.4f} wait too long"
    if slots - 1 <= queue[0].offered_load:
        return ""
    share, error = late(queue, slots - 1, seed=6)
    return f"{slots - 1} would do: {share:.4f} ± {error:.4f}" if share + CLEAR * error < 0.05 else ""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queues", type=int, default=1000)
    parser.add_argument("--checked", type=int, default=20)
    options = parser.parse_args(argv)
    if not COMPILED:
        print("numba is not installed (extra: fast); the runs near the edge take too long", file=sys.stderr)
        return 2
    asked = queues(options.queues)
    sizes(asked[:6])
    begun, used = time.perf_counter(), time.process_time()
    found = sizes(asked)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    every = max(1, options.queues // max(options.checked, 1))
    checked = range(0, options.queues, every)
    wrong = [text for i in checked if (text := refuted(asked[i], found[i] or 0))]
    for text in wrong:
        print(text)
    print(f"{options.queues} general queues sized in {seconds:.2f} s (processor {cpu:.2f} s), bound 5 s")
    print(f"{len(checked)} answers run for {JOBS:,} jobs: {len(wrong)} refuted")
    holds = seconds < 5.0 and not wrong
    summary = {"queues": options.queues, "seconds": round(seconds, 3), "processor_seconds": round(cpu, 3)}
    print(json.dumps(summary | {"checked": len(checked), "refuted": len(wrong), "holds": holds}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
