"""This file knows how the dashboard is opened and served: source, file, page, /healthz."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dashboard import beforehand, login, opened, user_file
from dashboard.demo import demo_running
from dashboard.look import streamlit_options
from dashboard.opened import Opened
from dashboard.origin import OwnPages
from dashboard.proxy import PEER_ONLY, NamedByProxy
from dashboard.settings import Settings
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.shared import SharedSource
from exporter.demo.plan import DEMO_NOTE
from exporter.heaps import share_heaps

SCRIPT = Path(__file__).parent / "app.py"
LISTENING = "listening on "
HEALTH = "/healthz"
HEAPS = 2
"""With one for each of many threads, each would keep the memory of what it once reckoned with."""


def run(settings: Settings) -> int:
    """Serve until stopped. Raises SettingsError and FileError."""
    share_heaps(HEAPS)
    if settings.login:
        login.check(login.said())
    with ExitStack() as house:
        opened.keep(house.enter_context(opening(settings)))
        if not settings.is_private and not (settings.login or settings.user_header):
            _say(
                f"warning: --listen {settings.host}: everybody who reaches this address can look; see --login"
            )
        app = st.App(
            SCRIPT,
            routes=[Route(HEALTH, _healthz)],
            lifespan=_told(settings),
            middleware=_doors(settings),
        )
        beforehand.load()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end)
        app.run(config=streamlit_options(settings))
    return 0


@contextmanager
def opening(settings: Settings) -> Iterator[Opened]:
    """The source and the file, open until the end. Raises FileError, SettingsError."""
    file = user_file.read(settings.config)
    if settings.kind == "prometheus":
        source = PrometheusSource(
            settings.url, settings.access, dict(settings.select), settings.scrape_seconds
        )
        yield Opened(settings, SharedSource(source), file, settings.note)
        return
    with ExitStack() as house:
        url, note = settings.url, settings.note
        if settings.kind == "demo":
            demo = house.enter_context(demo_running())
            url, note = demo.url, settings.note or DEMO_NOTE
            if file.asked is None:
                file = user_file.read(_written(demo.plan, house))
        exporter = ExporterSource(url, settings.access).start()
        house.callback(exporter.stop)
        yield Opened(settings, SharedSource(exporter), file, note)


def _written(plan: str, house: ExitStack) -> Path:
    """The demo's plan as a file that What-if and Forecast read anew, as they do with the user's."""
    path = Path(house.enter_context(TemporaryDirectory(prefix="bullgauge-"))) / "demo.yaml"
    path.write_text(plan, encoding="utf-8")
    return path


def _doors(settings: Settings) -> list[Middleware]:
    """What stands before the page, its files and its stream alike."""
    own = Middleware(OwnPages, say=_say)
    if not settings.user_header:
        return [own]
    os.environ.update(PEER_ONLY)
    header, trusted = settings.user_header, settings.trusted_proxies
    return [Middleware(NamedByProxy, header=header, trusted=trusted, open_paths=[HEALTH], say=_say), own]


def _end(_number: int, _frame: object) -> None:
    """The server has ended by then, and raises the signal once more; what was opened is closed on the way out."""
    sys.exit(0)


async def _healthz(_request: Request) -> JSONResponse:
    """Whether the dashboard itself lives; a source that is down is told on the page."""
    return JSONResponse({"status": "ok"})


def _told(settings: Settings) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        _say(f"{LISTENING}http://{host}:{settings.port}")
        beforehand.ask(opened.kept())
        yield

    return lifespan


def _say(text: str) -> None:
    sys.stderr.write(f"bullgauge-dashboard: {text}\n")
    sys.stderr.flush()
