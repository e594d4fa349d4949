"""Knows a real Prometheus with the history of any number of queues, made at once."""

from __future__ import annotations

import math
import random
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from exporter import catalogue as c
from exporter.catalogue import JOB_STATES, Metric
from tests.processes import Program
from tests.servers import free_port

HOUR = 3600.0


def prometheus(folder: Path, queues: int, at: list[float], days: int = 0) -> tuple[Program, str]:
    """The server and its address; every series has a sample at each moment of `at`.

    Before these, `days` are there of what a forecast reads: Redis was up, and the first starts of each queue by the
    hour, with a shape over the day. All series that long would take minutes to make.
    """
    text = folder / "history.txt"
    with text.open("w") as file:
        for lines in families(queues, at, days):
            file.writelines(lines)
        file.write("# EOF\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=180h", str(text)]
    subprocess.run([*blocks, str(folder / "data")], check=True, capture_output=True)
    text.unlink()
    (folder / "prometheus.yml").write_text("global: {}\n")
    port = free_port()
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    program = Program(["prometheus", *arguments, f"--web.listen-address=127.0.0.1:{port}"])
    program.wait_for("Server is ready to receive web requests", seconds=60)
    return program, f"http://127.0.0.1:{port}"


def answered(url: str) -> float:
    """How many queries it has answered, by its own count."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    wanted = [
        line
        for line in lines
        if line.startswith("prometheus_http_requests_total") and "/api/v1/query" in line
    ]
    return sum(float(line.rpartition(" ")[2]) for line in wanted)


def families(queues: int, at: list[float], days: int = 0) -> Iterator[Iterator[str]]:
    """Families as OpenMetrics wants them, one after the other."""
    hours = whole_hours(at[0], days)
    rng = random.Random(1)
    names = [f"queue-{number:04d}" for number in range(queues)]
    rates = {name: rng.uniform(0.02, 0.4) for name in names}
    yield gauge(c.REDIS_UP, [("", 1.0)], [*tens_of_minutes(at[0], days), *at])
    yield gauge(c.LAST_SUCCESS, [("", -1.0)], at)
    yield gauge(c.CONNECTION_UTILIZATION, [("", 0.1)], at)
    states = [
        (f'{of(name)},state="{state}"', float(rng.randrange(4))) for name in names for state in JOB_STATES
    ]
    yield gauge(c.SIZE, states, at)
    yield gauge(c.WORKERS, [(of(name), 2.0) for name in names], at)
    yield gauge(c.WORKERS_SATURATED, [(of(name), 1.0) for name in names], at)
    ends = (("completed", 0.99), ("failed", 0.01))
    yield counter(
        c.PROCESSED, [(f'{of(n)},status="{s}"', rates[n] * part) for n in names for s, part in ends], at
    )
    yield counter(c.ADDED, [(of(name), rates[name]) for name in names], at)
    yield histogram(c.JOB_WAIT, [(of(name), rates[name]) for name in names], at, hours)
    yield histogram(
        c.JOB_DURATION, [(f'{of(n)},job_type="x",status="completed"', rates[n]) for n in names], at
    )


def of(queue: str) -> str:
    return f'prefix="bull",queue="{queue}"'


def head(metric: Metric) -> str:
    return f"# TYPE {metric.name.removesuffix('_total')} {metric.kind}\n"


def line(name: str, labels: str, value: float, at: float) -> str:
    given = f'job="bullgauge",instance="a"{"," if labels else ""}{labels}'
    return (
        f"{name}{{{given}}} {value:.9g} {at:.3f}\n"
        if value != at
        else f"{name}{{{given}}} {at:.3f} {at:.3f}\n"
    )


def gauge(metric: Metric, series: list[tuple[str, float]], at: list[float]) -> Iterator[str]:
    """A value of -1 is the moment itself."""
    yield head(metric)
    for labels, value in series:
        yield from (line(metric.name, labels, moment if value < 0 else value, moment) for moment in at)


def counter(metric: Metric, series: list[tuple[str, float]], at: list[float]) -> Iterator[str]:
    yield head(metric)
    for labels, rate in series:
        yield from (line(metric.name, labels, rate * (moment - at[0]), moment) for moment in at)


def whole_hours(before: float, days: int) -> list[float]:
    """The ends of as many days of hours."""
    last = math.ceil(before / HOUR) - 1
    return [HOUR * hour for hour in range(last - 24 * days, last + 1)] if days else []


def tens_of_minutes(before: float, days: int) -> list[float]:
    last = math.ceil(before / 600.0) - 1
    return [600.0 * ten for ten in range(last - 144 * days, last + 1)] if days else []


def started(rate: float, hours: list[float], random: np.random.Generator) -> list[float]:
    """A counter of Poisson jobs, up to half more at two in the afternoon and as many less twelve hours later."""
    shape = 1.0 + 0.5 * np.cos(2 * math.pi * (np.array(hours) / HOUR - 14.0) / 24.0)
    return [float(count) for count in np.cumsum(random.poisson(rate * HOUR * shape))]


def histogram(
    metric: Metric, series: list[tuple[str, float]], at: list[float], hours: Sequence[float] = ()
) -> Iterator[str]:
    """Exponential values with a mean of 0.4 s; of `hours` before them how many there were."""
    yield head(metric)
    random = np.random.default_rng(2)
    for labels, rate in series:
        earlier = started(rate, list(hours), random)
        held = earlier[-1] + rate * (at[0] - hours[-1]) if hours else 0.0
        for edge in (*metric.buckets, math.inf):
            share, text = 1 - math.exp(-edge / 0.4), "+Inf" if math.isinf(edge) else f"{edge:g}"
            full = f'{labels},le="{text}"'
            yield from (line(f"{metric.name}_bucket", full, rate * share * (m - at[0]), m) for m in at)
        yield from (line(f"{metric.name}_sum", labels, rate * 0.4 * (m - at[0]), m) for m in at)
        whole = f"{metric.name}_count"
        yield from (line(whole, labels, count, m) for m, count in zip(hours, earlier, strict=True))
        yield from (line(whole, labels, held + rate * (m - at[0]), m) for m in at)
