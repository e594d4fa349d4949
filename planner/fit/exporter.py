"""Knows how a running exporter is read for a while, and what its pages say of each queue."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalogue as c
from planner.errors import BadInput
from planner.fit import counters as fit_counters
from planner.fit.counters import Counted, Gauges, Labels, Whose
from planner.fit.observed import Observed, Steps
from planner.laws.named import Vector
from planner.stored.http import Address

# A page costs the exporter little, and a moment at which all workers are saturated must not be missed.
EVERY_SECONDS = (1.0, 15.0)
READS = 120

Samples = dict[tuple[str, Labels], float]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The samples of each queue at one moment; `at` is by the monotonic clock."""

    at: float
    queues: dict[Whose, Samples]


def read_page(text: str, at: float) -> Page:
    """Raises ValueError for what is no page of metrics."""
    queues: dict[Whose, Samples] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            if "queue" not in labels:
                continue
            whose = ((), labels.pop("prefix", ""), labels.pop("queue"))
            queues.setdefault(whose, {})[sample.name, tuple(sorted(labels.items()))] = float(sample.value)
    return Page(at, queues)


def watch(address: Address, for_seconds: float, stop: threading.Event) -> list[Observed]:
    """Read the exporter's page for so long and say what was seen of each queue. Raises BadInput."""
    every = min(max(for_seconds / READS, EVERY_SECONDS[0]), EVERY_SECONDS[1], for_seconds)
    began = time.time()
    pages = [_read(address)]
    failures = 0
    for due in _moments(pages[0].at, for_seconds, every):
        stop.wait(max(0.0, due - time.monotonic()))
        try:
            pages.append(_read(address))
        except BadInput:
            # One missed read loses nothing: counters go on. Only the last must be there.
            failures += 1
            if due >= pages[0].at + for_seconds:
                raise
    if not pages[-1].queues:
        raise BadInput(
            f"{address.shown}: the page has no queue; is it bullgauge's exporter, and are there queues?"
        )
    return observe_pages(pages, began, failures)


def _moments(first: float, for_seconds: float, every: float) -> Iterator[float]:
    shows = sys.stderr.isatty()
    for number in range(1, round(for_seconds / every) + 1):
        if shows:
            print(f"\rreading … {number * every:.0f} of {for_seconds:.0f} s", end="", file=sys.stderr)  # noqa: T201
        yield first + min(number * every, for_seconds)
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr)  # noqa: T201


def _read(address: Address) -> Page:
    path = "" if address.url.rpartition("/")[2] == "metrics" else "/metrics"
    body = address.ask(path)
    try:
        return read_page(body.decode(), time.monotonic())
    except ValueError as error:
        raise BadInput(
            f"{address.shown}{path}: not a page of metrics: {' '.join(str(error).split())}"
        ) from None


def observe_pages(pages: Sequence[Page], began: float, failures: int = 0) -> list[Observed]:
    """What pages in order of time say of each queue of the last one; `began` is the epoch time of the first."""
    return [
        fit_counters.observe(_counted(pages, whose, began, failures)) for whose in sorted(pages[-1].queues)
    ]


def _counted(pages: Sequence[Page], whose: Whose, began: float, failures: int) -> Counted:
    # A queue that is younger than the first page began at 0.
    series = [page.queues.get(whose, {}) for page in pages]
    counted = Counted(whose, "exporter", began, pages[-1].at - pages[0].at)
    counted.grown, resets = _grown(series)
    counted.gauges = _gauges(series)
    if not series[0]:
        counted.gauges.ready[0] = 0.0
    counted.steps = _steps(pages, series, began, counted.gauges.ready)
    if resets:
        counted.doubts.append(
            "the exporter was started anew meanwhile: what it counted last before that is missing"
        )
    if failures:
        counted.doubts.append(f"{failures} of {len(pages) + failures} reads failed")
    return counted


def _is_counter(name: str) -> bool:
    return name.endswith(("_total", "_count", "_sum", "_bucket"))


def _grown(series: Sequence[Samples]) -> tuple[Samples, bool]:
    """How much each counter grew from page to page; after a step back it began anew at 0."""
    grown: Samples = {}
    resets = False
    for key in series[-1]:
        if not _is_counter(key[0]):
            continue
        total, before = 0.0, series[0].get(key, 0.0)
        for samples in series[1:]:
            now = samples.get(key, before)
            resets |= now < before
            total += now - before if now >= before else now
            before = now
        grown[key] = total
    return grown, resets


def _gauges(series: Sequence[Samples]) -> Gauges:
    return Gauges(
        np.array([_ready(samples) for samples in series]),
        _gauge(series, c.SIZE.name, (("state", "active"),)),
        _gauge(series, c.ACTIVE_UNLOCKED.name),
        _gauge(series, c.WORKERS.name),
        _gauge(series, c.WORKERS_SATURATED.name),
    )


def _ready(samples: Samples) -> float:
    states = [samples.get((c.SIZE.name, (("state", state),)), np.nan) for state in fit_counters.READY_STATES]
    return float(np.sum(states)) if np.isfinite(states).all() else float("nan")


def _gauge(series: Sequence[Samples], name: str, labels: Labels = ()) -> Vector:
    return np.array([samples.get((name, labels), np.nan) for samples in series])


def _steps(pages: Sequence[Page], series: Sequence[Samples], began: float, ready: Vector) -> Steps | None:
    """Arrivals between pages, where these are evenly apart and the exporter went on counting."""
    starts = np.array([samples.get((f"{c.JOB_WAIT.name}_count", ()), np.nan) for samples in series])
    squares = np.array([samples.get((c.ARRIVAL_SQUARE.name, ()), np.nan) for samples in series])
    apart = np.diff([page.at for page in pages])
    if len(apart) < 2 or apart.max() > 1.5 * apart.mean() or (np.diff(starts) < 0).any():
        return None
    counts = fit_counters.arrived_in_steps(np.diff(starts), ready)
    return Steps(began, float(apart.mean()), counts, np.diff(squares))
