"""Knows the pages of the exporter: what is asked for, in which form, and what is answered.

A WSGI application without sockets; `exporter/web/server.py` puts it on the network.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from math import inf, nan
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, quote

from exporter.groups import Choice, GroupError, choice

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Prometheus gives up at its timeout; so much earlier we must have answered. As in blackbox_exporter.
TIMEOUT_OFFSET_SECONDS = 0.5
# The fastest level shrinks metric text tenfold already; the slowest takes many times as long for little.
GZIP_LEVEL = 1

PLAIN = "text/plain; charset=utf-8"
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TEXT = "application/openmetrics-text; version=1.0.0; charset=utf-8"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Target(Protocol):
    """One Redis database that is watched."""

    @property
    def name(self) -> str:
        """How `/probe?target=` and the landing page call it."""

    @property
    def groups(self) -> Choice:
        """The groups of metrics that can be asked for."""

    def page(self, *, openmetrics: bool, timeout_seconds: float | None, wanted: Choice) -> bytes:
        """The wanted metrics as text; never raises because of Redis: then the page says `queue_redis_up 0`."""

    def ready(self) -> str | None:
        """None when ready, else the reason in one line."""

    def status(self) -> Mapping[str, str]:
        """Facts for the landing page, without secrets."""


class Targets(Protocol):
    """The target behind `/metrics`, and those of the user's list behind `/probe`."""

    @property
    def default(self) -> Target: ...
    @property
    def named(self) -> Mapping[str, Target]: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, before it is sent."""

    body: bytes
    status: str = "200 OK"
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestError(Exception):
    """The request cannot be answered as it is; status and one line that says why."""

    def __init__(self, status: str, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.reply = Reply(f"{line}\n".encode(), status, headers=headers or {})


def application(targets: Targets, documentation_url: str | None = None) -> WSGIApplication:
    """The pages of `targets` as a WSGI application; it never raises and never shows a traceback."""
    routes: dict[str, Callable[[WSGIEnvironment], Reply]] = {
        "/": lambda _: _landing(targets, documentation_url),
        "/metrics": lambda environ: _metrics(targets.default, environ),
        "/probe": lambda environ: _metrics(_named(targets, environ), environ),
        "/-/healthy": lambda _: Reply(b"healthy\n"),
        "/-/ready": lambda _: _readiness(targets.default),
    }

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return send(_reply(routes, environ), environ, start_response)

    return answer


def send(reply: Reply, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Hand `reply` to the server; to HEAD everything but the body."""
    headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
    start_response(reply.status, list({**headers, **SECURITY_HEADERS, **reply.headers}.items()))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]


def _reply(routes: Mapping[str, Callable[[WSGIEnvironment], Reply]], environ: WSGIEnvironment) -> Reply:
    try:
        route = routes.get(environ["PATH_INFO"])
        if route is None:
            raise RequestError("404 Not Found", "no such page; / lists those there are")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            raise RequestError("405 Method Not Allowed", "only GET and HEAD", {"Allow": "GET, HEAD"})
        return route(environ)
    except RequestError as error:
        return error.reply
    except Exception as error:
        log.error("%s: %r", environ["PATH_INFO"], error, exc_info=log.isEnabledFor(logging.DEBUG))
        return RequestError("500 Internal Server Error", "internal error; the exporter's log says more").reply


def _metrics(target: Target, environ: WSGIEnvironment) -> Reply:
    openmetrics = _openmetrics_wanted(environ.get("HTTP_ACCEPT", ""))
    wanted = _wanted(target, environ)
    page = target.page(openmetrics=openmetrics, timeout_seconds=_timeout_seconds(environ), wanted=wanted)
    content_type = OPENMETRICS_TEXT if openmetrics else PROMETHEUS_TEXT
    if not _gzip_wanted(environ.get("HTTP_ACCEPT_ENCODING", "")):
        return Reply(page, content_type=content_type)
    # wbits 31 = a gzip header and trailer around the deflate stream.
    body = zlib.compress(page, GZIP_LEVEL, wbits=31)
    return Reply(body, content_type=content_type, headers={"Content-Encoding": "gzip"})


def _named(targets: Targets, environ: WSGIEnvironment) -> Target:
    names = _asked(environ, "target")
    if len(names) != 1:
        raise RequestError("400 Bad Request", "say which target: /probe?target=NAME")
    if target := targets.named.get(names[0]):
        return target
    raise RequestError(
        "404 Not Found", f"target {names[0]!a:.80} is not in this exporter's list; / shows the names"
    )


def _wanted(target: Target, environ: WSGIEnvironment) -> Choice:
    """What `collect[]` names, as other Prometheus exporters take it; everything where it names nothing."""
    try:
        return choice(_asked(environ, "collect[]"), target.groups)
    except GroupError as error:
        raise RequestError("400 Bad Request", f"collect[]: {error}") from error


def _asked(environ: WSGIEnvironment, name: str) -> list[str]:
    return parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get(name, [])


def _timeout_seconds(environ: WSGIEnvironment) -> float | None:
    given = environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = nan
    if not 0 < seconds < inf:
        what = "X-Prometheus-Scrape-Timeout-Seconds"
        raise RequestError("400 Bad Request", f"{what}: {given!a:.40} is not a number of seconds above 0")
    return max(seconds - TIMEOUT_OFFSET_SECONDS, seconds / 2)


def _readiness(target: Target) -> Reply:
    if reason := target.ready():
        raise RequestError("503 Service Unavailable", f"not ready: {reason}")
    return Reply(b"ready\n")


def _openmetrics_wanted(accept: str) -> bool:
    for media_type, version in _by_preference(accept):
        if media_type == "application/openmetrics-text" and version in ("", "1.0.0"):
            return True
        if media_type in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4"):
            return False
    return False


def _gzip_wanted(accept_encoding: str) -> bool:
    for coding, _ in _by_preference(accept_encoding):
        if coding in ("gzip", "x-gzip", "identity"):
            return coding != "identity"
    return False


def _by_preference(header: str) -> list[tuple[str, str]]:
    """(name, version) of an Accept header's entries, most wanted first, unwanted (q=0) left out."""
    wanted = []
    for entry in header.split(","):
        name, *rest = entry.split(";")
        parameters = {
            key.strip().lower(): value.strip(' "') for key, _, value in (p.partition("=") for p in rest)
        }
        if (quality := _quality(parameters.get("q", "1"))) > 0:
            wanted.append((quality, name.strip().lower(), parameters.get("version", "")))
    return [(name, version) for _, name, version in sorted(wanted, key=lambda entry: -entry[0])]


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0
    return quality if 0 <= quality <= 1 else 0


_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
nav a { margin-right: 1.25rem; }
"""


def _landing(targets: Targets, documentation_url: str | None) -> Reply:
    links = {"/metrics": "metrics", "/-/healthy": "healthy", "/-/ready": "ready"}
    if documentation_url:
        links[documentation_url] = "documentation"
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>bullgauge</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><h1>bullgauge</h1>",
        "<p>Bull and BullMQ queues, read from Redis for Prometheus.</p><nav>",
        *(f'<a href="{escape(href)}">{text}</a>' for href, text in links.items()),
        "</nav>",
        _section(targets.default, "/metrics"),
        *(
            _section(target, f"/probe?target={quote(name, safe='')}")
            for name, target in targets.named.items()
        ),
        "</body></html>\n",
    ]
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    return Reply(
        "".join(parts).encode(),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy},
    )


def _section(target: Target, href: str) -> str:
    facts = "".join(
        f"<dt>{escape(fact)}</dt><dd>{escape(value)}</dd>" for fact, value in target.status().items()
    )
    return f'<section><h2><a href="{escape(href)}">{escape(target.name)}</a></h2><dl>{facts}</dl></section>'
