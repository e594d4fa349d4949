"""This file knows how the page is held against the handlers, and how both are told as a table."""

from collections.abc import Iterator, Mapping
from itertools import chain

from exporter.demo.page import Histogram, Page, QueuePage
from exporter.demo.truth import Between, QueueTruth, mean, quantile

# Event ids are whole milliseconds, cut off, of the moment at which a script began; processedOn is rounded.
CLOCK_SECONDS = 0.002
TAIL = 0.95
HEADINGS = ("", "", "done", "failed", "requeued", "mean wait", "p95 wait", "mean service", "p95 service")
WIDTHS = (26, 9, 6, 8, 10, 14, 14, 14, 14)


def disagreements(page: Page, truth: Mapping[str, QueueTruth]) -> list[str]:
    """Where page and handlers differ, one line each: counts must be equal, times within the handlers' bounds.

    The p95 must be possible in the bucket in which the page has it.
    """
    found = {queue: figures for (_, queue), figures in page.queues.items()}
    lines = [f"{queue}: not on the page" for queue in truth if truth[queue].waits and queue not in found]
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
    """`0.7 ms`, `321 ms` or `1.64 s`; `-` when there is nothing to tell."""
    if value is None:
        return "-"
    return f"{_milliseconds(value)} ms" if value < 1 else f"{value:.3g} s"


def span(bounds: Between | None) -> str:
    """`25-50 ms` or `1-1.5 s`; `-` when there is nothing to tell."""
    if bounds is None:
        return "-"
    if bounds.high < 1:
        return f"{_milliseconds(bounds.low)}-{_milliseconds(bounds.high)} ms"
    return f"{bounds.low:.3g}-{bounds.high:.3g} s"


def _milliseconds(value_seconds: float) -> str:
    milliseconds = value_seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{round(milliseconds, 1):g}"


def _differences(queue: str, page: QueuePage, truth: QueueTruth) -> Iterator[str]:
    counts = (
        ("completed", page.completed, truth.completed),
        ("failed", page.failed, truth.failed),
        ("requeued", page.requeued, truth.requeued),
        ("waits", page.wait.count, len(truth.waits)),
        ("attempts", page.duration.count, len(truth.durations)),
    )
    for what, told, done in counts:
        if told != done:
            yield f"{queue}: {what}: page {told:g}, handlers {done}"
    yield from _time_differences(f"{queue}: wait", page.wait, truth.waits)
    yield from _time_differences(f"{queue}: time", page.duration, truth.durations)


def _time_differences(what: str, page: Histogram, truth: list[Between]) -> Iterator[str]:
    told, done = page.mean_seconds, mean(truth)
    if told is not None and done is not None and not _meet(Between(told, told), done):
        yield f"{what}: mean: page {seconds(told)}, handlers {span(done)}"
    edges, tail = page.bucket(TAIL), quantile(truth, TAIL)
    if edges is not None and tail is not None and not _meet(edges, tail):
        yield f"{what}: p95: page {span(edges)}, handlers {span(tail)}"


def _meet(told: Between, done: Between) -> bool:
    return told.low <= done.high + CLOCK_SECONDS and done.low - CLOCK_SECONDS <= told.high


def _page_cells(page: QueuePage) -> tuple[str, ...]:
    counts = (f"{count:.0f}" for count in (page.completed, page.failed, page.requeued))
    times = ((seconds(one.mean_seconds), span(one.bucket(TAIL))) for one in (page.wait, page.duration))
    return (*counts, *chain.from_iterable(times))


def _truth_cells(truth: QueueTruth) -> tuple[str, ...]:
    counts = (str(count) for count in (truth.completed, truth.failed, truth.requeued))
    samples = (truth.waits, truth.durations)
    times = ((span(mean(one)), span(quantile(one, TAIL))) for one in samples)
    return (*counts, *chain.from_iterable(times))


def _line(cells: tuple[str, ...]) -> str:
    left = cells[0].ljust(WIDTHS[0]) + cells[1].ljust(WIDTHS[1])
    right = (cell.rjust(width) for cell, width in zip(cells[2:], WIDTHS[2:], strict=True))
    return (left + "".join(right)).rstrip()
