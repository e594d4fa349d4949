"""This file knows how the page is held against the handlers, and how both are told as a table."""

from collections.abc import Iterator, Mapping
from itertools import chain

from exporter.demo_page import Histogram, Page, QueuePage
from exporter.demo_truth import QueueTruth, mean, quantile

# Handlers note times in Python, the page has the server's: on a busy machine milliseconds lie between, and
# the first jobs wait for their scripts to be loaded into the server.
TOLERANCE_SECONDS = 0.010
FIRST_JOBS_SECONDS = 0.050
TOLERANCE_RATIO = 0.02
TAIL = 0.95
HEADINGS = ("", "", "done", "failed", "requeued", "mean wait", "p95 wait", "mean time", "p95 time")
WIDTHS = (26, 9, 7, 7, 9, 11, 15, 11, 15)


def disagreements(page: Page, truth: Mapping[str, QueueTruth]) -> list[str]:
    """Where page and handlers differ, one line each; counts must be equal, times within the tolerance.

    The p95 of the handlers must lie in the bucket in which the page sees it.
    """
    found = {queue: figures for (_, queue), figures in page.queues.items()}
    lines = [
        f"{queue}: not on the page" for queue in truth if truth[queue].wait_seconds and queue not in found
    ]
    extra = [f"{queue}: on the page, but no queue of the demo" for queue in found if queue not in truth]
    both = (_differences(queue, found[queue], truth[queue]) for queue in truth if queue in found)
    return [*lines, *extra, *chain.from_iterable(both)]


def table(page: Page, truth: Mapping[str, QueueTruth] | None) -> str:
    """The page's figures by queue, each followed by those of the handlers where there are any."""
    several = len({prefix for prefix, _ in page.queues}) > 1
    rows: list[tuple[str, ...]] = [HEADINGS]
    for (prefix, queue), figures in sorted(page.queues.items()):
        name = f"{prefix}:{queue}" if several else queue
        rows.append((name, "page" if truth else "", *_page_cells(figures)))
        if truth and queue in truth:
            rows.append(("", "handlers", *_truth_cells(truth[queue])))
    return "\n".join(_line(row) for row in rows)


def seconds(value: float | None) -> str:
    """Three digits that matter, with the unit; `-` when there is nothing to tell."""
    return "-" if value is None else f"{value:.3g} s"


def span(edges: tuple[float, float] | None) -> str:
    """A bucket as `0.1-0.25 s`."""
    return "-" if edges is None else f"{edges[0]:g}-{edges[1]:g} s"


def _differences(queue: str, page: QueuePage, truth: QueueTruth) -> Iterator[str]:
    counts = (
        ("completed", page.completed, truth.completed),
        ("failed", page.failed, truth.failed),
        ("requeued", page.requeued, truth.requeued),
        ("waits", page.wait.count, len(truth.wait_seconds)),
        ("attempts", page.duration.count, len(truth.duration_seconds)),
    )
    for what, told, done in counts:
        if told != done:
            yield f"{queue}: {what}: page {told:g}, handlers {done}"
    yield from _time_differences(f"{queue}: wait", page.wait, truth.wait_seconds)
    yield from _time_differences(f"{queue}: time", page.duration, truth.duration_seconds)


def _time_differences(what: str, page: Histogram, truth: list[float]) -> Iterator[str]:
    told, done = page.mean_seconds, mean(truth)
    if told is not None and done is not None and abs(told - done) > _tolerance(done, len(truth)):
        yield f"{what}: mean: page {seconds(told)}, handlers {seconds(done)}"
    edges, tail = page.bucket(TAIL), quantile(truth, TAIL)
    if edges and tail is not None:
        margin = _tolerance(tail, len(truth))
        if not edges[0] - margin <= tail <= edges[1] + margin:
            yield f"{what}: p95: page {span(edges)}, handlers {seconds(tail)}"


def _tolerance(value_seconds: float, observations: int) -> float:
    return max(TOLERANCE_SECONDS + FIRST_JOBS_SECONDS / observations, TOLERANCE_RATIO * value_seconds)


def _page_cells(page: QueuePage) -> tuple[str, ...]:
    counts = (f"{count:.0f}" for count in (page.completed, page.failed, page.requeued))
    times = ((seconds(one.mean_seconds), span(one.bucket(TAIL))) for one in (page.wait, page.duration))
    return (*counts, *chain.from_iterable(times))


def _truth_cells(truth: QueueTruth) -> tuple[str, ...]:
    counts = (str(count) for count in (truth.completed, truth.failed, truth.requeued))
    samples = (truth.wait_seconds, truth.duration_seconds)
    times = ((seconds(mean(one)), seconds(quantile(one, TAIL))) for one in samples)
    return (*counts, *chain.from_iterable(times))


def _line(cells: tuple[str, ...]) -> str:
    left = cells[0].ljust(WIDTHS[0]) + cells[1].ljust(WIDTHS[1])
    right = (cell.rjust(width) for cell, width in zip(cells[2:], WIDTHS[2:], strict=True))
    return (left + "".join(right)).rstrip()
