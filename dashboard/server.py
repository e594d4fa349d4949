"""This file knows how the dashboard is opened and served: source, file, page, /healthz."""

import argparse
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dashboard import opened, user_file
from dashboard.demo import demo_running
from dashboard.look import streamlit_options
from dashboard.opened import Opened
from dashboard.settings import Settings, SettingsError, read_access, read_listen, read_select, read_url
from dashboard.source_exporter import ExporterSource
from dashboard.source_prometheus import PrometheusSource
from dashboard.source_shared import SharedSource

SCRIPT = Path(__file__).parent / "app.py"
LISTENING = "listening on "


def run(options: argparse.Namespace) -> int:
    """Serve until stopped. Raises SettingsError and FileError."""
    settings = read(options)
    _check_port(settings)
    with ExitStack() as house:
        opened.keep(house.enter_context(opening(settings)))
        if not settings.is_private and not (settings.login or settings.user_header):
            _say(
                f"warning: --listen {settings.host}: everybody who reaches this address can look; see --login"
            )
        app = st.App(SCRIPT, routes=[Route("/healthz", _healthz)], lifespan=_told(settings))
        app.run(config=streamlit_options(settings))
    return 0


def read(options: argparse.Namespace) -> Settings:
    """The settings that the command line chose. Raises SettingsError."""
    host, port = read_listen(options.listen)
    if not 0 < options.scrape_interval <= 3600:
        raise SettingsError(
            f"--scrape-interval {options.scrape_interval:g}: must be seconds above 0, at most 3600"
        )
    kind, url = "demo", ""
    for name in ("prometheus", "exporter"):
        if getattr(options, name):
            kind, url = name, read_url(f"--{name}", getattr(options, name))
    return Settings(
        kind=kind,  # type: ignore[arg-type]
        url=url,
        config=options.config,
        host=host,
        port=port or _free_port(host),
        select=read_select(options.select),
        scrape_seconds=options.scrape_interval,
        access=read_access(
            options.headers_file, options.bearer_token_file, options.ca_file, options.tenant, options.timeout
        ),
        login=options.login,
        user_header=options.user_header,
    )


@contextmanager
def opening(settings: Settings) -> Iterator[Opened]:
    """The source and the file, open until the end. Raises FileError, SettingsError."""
    file = user_file.read(settings.config)
    if settings.kind == "prometheus":
        source = PrometheusSource(settings.url, settings.access, dict(settings.select))
        yield Opened(settings, SharedSource(source), file)
        return
    with ExitStack() as house:
        url, note = settings.url, ""
        if settings.kind == "demo":
            demo = house.enter_context(demo_running())
            url, note = demo.url, demo.note
            file = file if file.asked is not None else user_file.understood(demo.plan, Path("demo.yaml"))
        exporter = ExporterSource(url, settings.access).start()
        house.callback(exporter.stop)
        yield Opened(settings, SharedSource(exporter), file, note)


async def _healthz(_request: Request) -> JSONResponse:
    """Whether the dashboard itself lives; a source that is down is told on the page."""
    return JSONResponse({"status": "ok"})


def _told(settings: Settings) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        _say(f"{LISTENING}http://{host}:{settings.port}")
        yield

    return lifespan


def _check_port(settings: Settings) -> None:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(f"--listen {where}: {error.strerror or error}; choose another address") from error


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _say(text: str) -> None:
    sys.stderr.write(f"bullgauge-dashboard: {text}\n")
    sys.stderr.flush()
