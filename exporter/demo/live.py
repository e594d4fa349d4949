"""This file knows what the demo tells while it runs: where to look, and a line of live figures."""

import asyncio
import shutil
import sys
from urllib.parse import urlsplit

from exporter.demo.load import DAY_SECONDS, FIRST_HOUR, MEAN_JOBS_PER_HOUR, QUEUES, SPEED
from exporter.demo.page import Page, read_page
from exporter.demo.summary import TAIL, seconds

LIVE_SECONDS = 3.0
ERASE_LINE = "\r\x1b[K"


def where_to_look(
    address: str, dashboard: str | None, redis_url: str, own: bool, for_seconds: float | None
) -> str:
    """The few lines that are printed once, when everything runs."""
    end = "Ctrl-C" if for_seconds is None else f"by itself after {for_seconds:g} s, or Ctrl-C"
    kind = "an embedded Valkey, gone at the end" if own else "yours, only read"
    lines = [
        *([f"  open     {dashboard}  (the dashboard)"] if dashboard else []),
        f"  look at  {address}/metrics",
        f"  Redis    {_without_password(redis_url)}  ({kind})",
        *(_work() if own else []),
        f"  stop     {end}",
        *(["  next     your own queues: make run REDIS=redis://HOST:6379"] if own else []),
    ]
    return "\n".join(lines)


async def show_live(address: str, stop: asyncio.Event) -> None:
    """Every few seconds rewrite one line on stderr, from the page alone, until `stop`; silent in a pipe."""
    if not sys.stderr.isatty():
        return
    while not await stopped_within(stop, LIVE_SECONDS):
        try:
            line = live_line(await asyncio.to_thread(read_page, address))
        except OSError as error:
            line = f"the page does not answer: {error}"
        # A line that wraps could not be rewritten in place.
        sys.stderr.write(ERASE_LINE + line[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()
    sys.stderr.write(ERASE_LINE)


def live_line(page: Page) -> str:
    """Jobs done, the p95 wait, and the queue whose jobs wait longest, all since the exporter started."""
    if not page.redis_up:
        return "Redis does not answer; the page says so and goes on"
    done = sum(queue.completed + queue.failed for queue in page.queues.values())
    edges = page.wait.bucket(TAIL)
    if edges is None:
        return f"{done:,.0f} jobs done in {len(page.queues)} queues"
    means = {name: queue.wait.mean_seconds or 0.0 for (_, name), queue in page.queues.items()}
    worst = max(means, key=lambda name: means[name])
    waited = f"{TAIL:.0%} waited at most {seconds(edges.high)}"
    return f"{done:,.0f} jobs done, {waited}; longest wait: {worst}, {seconds(means[worst])} on average"


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop`, at most `seconds`; whether it came."""
    try:
        await asyncio.wait_for(stop.wait(), max(seconds, 0.0))
    except TimeoutError:
        return False
    return True


def _work() -> list[str]:
    slots = sum(queue.slots for queue in QUEUES)
    speed, day = f"{SPEED:.0f} times", f"{DAY_SECONDS / 60:.0f} minutes"
    return [
        f"  work     {len(QUEUES)} queues, {slots} slots, real BullMQ jobs,",
        f"           {MEAN_JOBS_PER_HOUR:,.0f} an hour on average, twice that at the day's peak",
        f"  speed    {speed} life: an e-mail takes 0.08 s, not 0.8 s, and {speed} as many come,",
        f"           so utilisation is as in life; a day takes {day} and begins at {FIRST_HOUR:.0f}:00",
    ]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@", 1) if parts.password else url
