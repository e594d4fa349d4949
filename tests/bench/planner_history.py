"""Prints how long a real Prometheus takes for four weeks of 200 queues, beside PromQL's plain increase.

python -m tests.bench.planner_history [QUEUES]

The counters are made here, scraped every two minutes. What a question costs grows with the samples, so it is shown
beside the plain increase, which passes over them once; ours does so several times. There is no limit to hold.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from planner.fit.series_of_queues import by_queue
from planner.forecast.stored_hours import NAME, counts_of_prometheus
from planner.stored.growth import milliseconds
from planner.stored.http import address
from planner.stored.ranges import Prometheus, Range
from tests.planner.stored import served, take_in

BEGIN, WEEKS, SCRAPE = 1_761_523_200, 4, 120
END = BEGIN + WEEKS * 7 * 86400
FINE, HOUR, WIDE = 1800.0, 3600.0, 21600.0


def lines(queues: int) -> Iterator[str]:
    """Counters of 1,000 jobs an hour."""
    random = np.random.default_rng(1)
    moments = np.arange(BEGIN, END + 1, SCRAPE).tolist()
    for queue in range(queues):
        labels = f'{NAME}{{job="bullgauge",prefix="bull",queue="q{queue}",instance="a:1"}}'
        values = np.cumsum(random.poisson(1000 * SCRAPE / 3600, len(moments))).tolist()
        yield from (f"{labels} {value} {at}" for value, at in zip(values, moments, strict=True))
    yield from (f'queue_redis_up{{job="bullgauge"}} 1 {at}' for at in range(END - 600, END + 1, SCRAPE))


def best(ask: Callable[[], object]) -> float:
    """Seconds of the faster of two."""
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return min(taken)


def main(queues: int = 200) -> None:
    with tempfile.TemporaryDirectory() as folder:
        take_in(Path(folder), lines(queues))
        with served(Path(folder)) as where:
            show(Prometheus(address("--prometheus", f"http://{where}", 300.0), 'job="bullgauge"'), queues)


def show(server: Prometheus, queues: int) -> None:
    print(f"{queues} queues, {WEEKS} weeks, a sample each {SCRAPE} s")
    print(f"{'question':<40}{'seconds':>9}{'increase':>10}{'ratio':>7}")
    for step, kind in ((FINE, "since_begun"), (HOUR, "exact"), (WIDE, "in_part")):
        over = Range(BEGIN, END, step)
        ours = getattr(server.growth(NAME, step, SCRAPE), kind)
        window = milliseconds(step)
        plain = f"max without (instance, pod) (increase({server.select(NAME)}[{window}]))"
        seconds, beside = (best(partial(by_queue, server, query, over)) for query in (ours, plain))
        print(f"{f'{kind}, windows of {step:g} s':<40}{seconds:>9.2f}{beside:>10.2f}{seconds / beside:>7.1f}")
    whole = best(lambda: counts_of_prometheus(server, BEGIN, END, ()))
    print(f"{'all hours, as forecast reads them':<40}{whole:>9.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
