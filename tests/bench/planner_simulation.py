"""How fast the simulation is: against C -O3 and against SimPy, one run, ratios.

    python -m tests.bench.planner_simulation [--jobs 1000000]

1. 10⁶ jobs on 25 slots, lognormal arrivals and service. The same recursion in C is compiled here; both are fed the
   same drawn vectors and must give every job the same wait. The rate with drawing stands beside it. At least half
   the jobs per second of C, at least 100 times SimPy.
2. A day of 240,000 jobs over 8 queues with retries, a rate limit and priorities: 100 scenarios in under 10 s.
3. Smallest slots of 1,000 exponential queues: under 20 ms.

A JSON summary at the end; exit status 1 unless all hold. Needs numba (extra: fast) and a C compiler.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import simpy

from planner.acceleration import COMPILED
from planner.exact.erlang import exponential_wait
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import PoissonClasses
from planner.laws.named import Lognormal, Vector
from planner.simulation import fcfs
from planner.simulation.runs import draw, replicate
from planner.size.exponential_many import exponential_sizes
from planner.workload import Retries, Workload

SLOTS, RUNS = 25, 5
C_SOURCE = """
void waits(const double *times, const double *service, double *free_at, double *out, long jobs, long slots) {
    for (long i = 0; i < jobs; i++) {
        double start = times[i] > free_at[0] ? times[i] : free_at[0];
        out[i] = start - times[i];
        double finish = start + service[i];
        long k = 0;
        while (k < slots - 1 && free_at[k + 1] < finish) { free_at[k] = free_at[k + 1]; k++; }
        free_at[k] = finish;
    }
}
"""


def lognormal(mean: float, scv: float) -> Lognormal:
    sigma = float(np.sqrt(np.log1p(scv)))
    return Lognormal(float(np.log(mean)) - sigma**2 / 2, sigma)


def best_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """The least of several runs: what the work costs when nothing disturbs it."""
    found = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def compiled_c(folder: Path) -> Callable[[Vector, Vector], Vector]:
    source, library = folder / "waits.c", folder / "waits.so"
    source.write_text(C_SOURCE)
    subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source], check=True)
    function = ctypes.CDLL(str(library)).waits
    pointer = ctypes.POINTER(ctypes.c_double)

    def waits(times: Vector, service: Vector) -> Vector:
        free, out = np.zeros(SLOTS), np.empty(len(times))
        arrays = [a.ctypes.data_as(pointer) for a in (times, service, free, out)]
        function(*arrays, ctypes.c_long(len(times)), ctypes.c_long(SLOTS))
        return out

    return waits


def drawn(jobs: int) -> tuple[Vector, Vector]:
    random = np.random.default_rng(1)
    times = np.cumsum(lognormal(1 / 21.25, 2.0).draw(random, jobs))
    return times, lognormal(1.0, 4.0).draw(random, jobs)


def simpy_seconds(jobs: int) -> float:
    """SimPy on a part of the jobs, drawn beforehand too."""
    times, service = drawn(jobs)
    waits = np.empty(jobs)
    environment = simpy.Environment()
    slots = simpy.Resource(environment, SLOTS)

    def job(i: int) -> Generator[simpy.Event, None, None]:
        with slots.request() as slot:
            yield slot
            waits[i] = environment.now - times[i]
            yield environment.timeout(service[i])

    def source() -> Generator[simpy.Event, None, None]:
        for i in range(jobs):
            yield environment.timeout(times[i] - environment.now)
            environment.process(job(i))

    environment.process(source())
    begun = time.perf_counter()
    environment.run()
    elapsed = time.perf_counter() - begun
    assert np.allclose(waits, fcfs.waits(times, service, SLOTS), atol=1e-6), "SimPy tells other waits"
    return elapsed


def rates(jobs: int) -> dict[str, float]:
    """Jobs per second of each."""
    times, service = drawn(jobs)
    with tempfile.TemporaryDirectory() as folder:
        in_c = compiled_c(Path(folder))
        ours = fcfs.waits(times, service, SLOTS)
        assert np.array_equal(ours, in_c(times, service)), "C tells other waits"
        c_seconds = best_seconds(lambda: in_c(times, service))
    ours_seconds = best_seconds(lambda: fcfs.waits(times, service, SLOTS))
    with_drawing = best_seconds(lambda: fcfs.waits(*drawn(jobs), SLOTS), runs=3)
    few = min(jobs, 50_000)
    return {
        "c": jobs / c_seconds,
        "planner": jobs / ours_seconds,
        "planner_with_drawing": jobs / with_drawing,
        "simpy": few / simpy_seconds(few),
    }


def day_seconds(scenarios: int) -> float:
    """240,000 jobs over 8 queues, half of the queues limited, all with retries and three classes."""
    per_queue = 30_000
    rate = per_queue / 86_400
    workload = Workload(
        PoissonClasses((rate * 0.2, rate * 0.3, rate * 0.5)),
        lognormal(10.0, 2.0),
        Retries(0.05, 5, 30.0, "exponential", jitter=0.5),
    )
    fleets = [Fleet(6, rate_limit=RateLimit(40, 60.0) if queue % 2 else None) for queue in range(8)]

    def scenario(seed: int) -> float:
        random = np.random.default_rng(seed)
        means = []
        for fleet in fleets:
            sample = replicate(workload, fleet, draw(workload, random, per_queue), random, 0)
            means.append(float(sample.series["wait"].seconds.mean()))
        return float(np.mean(means))

    scenario(0)
    begun = time.perf_counter()
    with ThreadPoolExecutor() as pool:
        waits = list(pool.map(scenario, range(1, scenarios + 1)))
    assert len(set(waits)) == scenarios, "every scenario is another one"
    return time.perf_counter() - begun


def sizes_seconds(queues: int) -> float:
    """Smallest slots of exponential queues with a p95 objective; a few are checked one by one."""
    random = np.random.default_rng(2)
    per_second, service = random.uniform(0.1, 20.0, queues), random.uniform(0.1, 5.0, queues)
    bound = service * random.uniform(0.05, 1.0, queues)
    sizes = exponential_sizes(per_second, service, bound, level=0.95)
    for i in range(0, queues, 97):
        enough = exponential_wait(int(sizes[i]), per_second[i], service[i]).tail(bound[i]) <= 0.05
        fewer = int(sizes[i]) - 1
        stable = per_second[i] * service[i] < fewer
        assert enough and not (
            stable and exponential_wait(fewer, per_second[i], service[i]).tail(bound[i]) <= 0.05
        )
    return best_seconds(lambda: exponential_sizes(per_second, service, bound, level=0.95))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1_000_000)
    options = parser.parse_args(argv)
    if not COMPILED:
        print("numba is not installed (extra: fast); there is nothing to compare with C", file=sys.stderr)
        return 2
    found = rates(options.jobs)
    checks = {
        "planner / C": (found["planner"] / found["c"], ">=", 0.5),
        "planner / SimPy": (found["planner"] / found["simpy"], ">=", 100.0),
        "100 scenarios of a day, seconds": (day_seconds(100), "<", 10.0),
        "1,000 exponential queues sized, milliseconds": (sizes_seconds(1000) * 1e3, "<", 20.0),
    }
    for name, rate in found.items():
        print(f"{name:22} {rate / 1e6:10.3f} million jobs a second")
    right = True
    for name, (value, sign, bound) in checks.items():
        holds = value >= bound if sign == ">=" else value < bound
        right = right and holds
        print(f"{name:46} {value:10.3f}  {sign} {bound:g}  {'holds' if holds else 'FAILS'}")
    print(json.dumps({name: round(value, 4) for name, (value, _, _) in checks.items()} | {"holds": right}))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
