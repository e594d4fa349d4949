"""Knows the verb `fit`: which source is asked, which queues are fitted, and how the answer is printed."""

import argparse
import json
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from planner.errors import BadInput
from planner.file.durations import seconds
from planner.fit.fitting import Fitted, fit_all
from planner.fit.fleet import read_fleet
from planner.fit.observed import Observed
from planner.fit.output import as_yaml, names_of, values
from planner.stored.http import Address, address
from planner.stored.http_access import access
from planner.stored.ranges import Prometheus, moment

SOURCES = ("trace", "exporter", "prometheus", "redis")


def fitted(options: argparse.Namespace, columns: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The text to print, and the same as plain values. Raises BadInput."""
    fleet = read_fleet(options.fleet, options.slots)
    origin, seen = observed(options, columns)
    chosen = [one for one in seen if not options.queue or one.queue in options.queue]
    if not chosen:
        there = ", ".join(sorted({one.queue for one in seen})) or "none"
        raise BadInput(f"{origin}: no queue {', '.join(map(repr, options.queue))}; there are {there}")
    fits = fit_all([(one, fleet.slots.get(one.queue)) for one in chosen])
    if all(found.workload is None for found in fits):
        raise BadInput(f"{origin}: {_why_nothing(fits)}")
    told = [values(found, name) for found, name in zip(fits, names_of(fits), strict=True)]
    return as_yaml(fits, fleet, origin), json.loads(json.dumps({"origin": origin, "queues": told}))


def _why_nothing(fits: Sequence[Fitted]) -> str:
    first = fits[0]
    others = f" (and {len(fits) - 1} more queues likewise)" if len(fits) > 1 else ""
    return f"queue {first.observed.queue!r} can't be fitted: {first.why}{others}"


def observed(options: argparse.Namespace, columns: dict[str, str]) -> tuple[str, list[Observed]]:
    """Where it was looked, and what was seen of each queue. Raises BadInput."""
    given = [source for source in SOURCES if getattr(options, source) is not None]
    if not given and options.config is not None:
        given = ["redis"]
    if len(given) != 1:
        which = " and ".join("TRACE" if source == "trace" else f"--{source}" for source in given) or "none"
        raise BadInput(f"{which} given; give one of TRACE, --exporter URL, --prometheus URL, --redis URL")
    readers = {
        "trace": lambda: _from_trace(options, columns),
        "exporter": lambda: _from_exporter(options),
        "prometheus": lambda: _from_prometheus(options),
        "redis": lambda: _from_redis(options),
    }
    return readers[given[0]]()


def _from_trace(options: argparse.Namespace, columns: dict[str, str]) -> tuple[str, list[Observed]]:
    from planner.fit.attempts import observe_attempts
    from planner.fit.table import read_attempts

    trace = read_attempts(options.trace, columns)
    return str(options.trace), [observe_attempts(queue, attempts) for queue, attempts in trace.items()]


def _from_exporter(options: argparse.Namespace) -> tuple[str, list[Observed]]:
    from planner.fit.exporter import watch

    for_seconds = span("--for", options.span)
    place = _address("--exporter", options.exporter, options)
    return place.shown, watch(place, for_seconds, threading.Event())


def _from_prometheus(options: argparse.Namespace) -> tuple[str, list[Observed]]:
    from planner.fit.prometheus import observe_range

    server, begin, end = asked_range(options)
    return server.address.shown, observe_range(server, begin, end, options.queue)


def asked_range(options: argparse.Namespace) -> tuple[Prometheus, float, float]:
    """The server and the range of the options. Raises BadInput."""
    now = datetime.now(UTC)
    begin = moment("--from", options.begin, now)
    end = moment("--to", options.end, now)
    if begin >= end:
        raise BadInput(f"--from {options.begin}: is not before --to {options.end}")
    return Prometheus(_address("--prometheus", options.prometheus, options), options.selector), begin, end


def _address(option: str, url: str, options: argparse.Namespace) -> Address:
    return address(option, url, span("--timeout", options.timeout), access(options))


def _from_redis(options: argparse.Namespace) -> tuple[str, list[Observed]]:
    from exporter import environment, settings_file
    from planner.fit.redis import observe_redis

    if options.jobs < 1:
        raise BadInput(f"--jobs {options.jobs}: give a number from 1 on")
    # What is not given comes from the exporter's file or its variables, as the exporter itself takes it.
    names = ("config", "redis", "redis_password_file", "cluster", "prefix", "queue")
    given = argparse.Namespace(**{name: getattr(options, name) or None for name in names})
    environment.fill(given, os.environ)
    tls = {name: getattr(options, name) for name in ("ca_file", "cert_file", "key_file")}
    redis = {
        "url": given.redis,
        "password_file": given.redis_password_file,
        "cluster": given.cluster,
        "tls": _told(tls),
    }
    told = {"redis": _told(redis), "prefixes": given.prefix, "queues": given.queue}
    settings = settings_file.load(given.config, _told(told) or {})
    return observe_redis(settings, options.jobs, span("--timeout", options.timeout))


def _told(values: dict[str, Any]) -> dict[str, Any] | None:
    """Those that are given; None when there is none."""
    return {name: value for name, value in values.items() if value is not None} or None


def span(option: str, text: str) -> float:
    """Seconds of an option, above 0. Raises BadInput."""
    try:
        given = seconds(text)
    except BadInput as error:
        raise BadInput(f"{option}: {error}") from None
    if not 0 < given < float("inf"):
        raise BadInput(f"{option} {text}: give a time above 0, such as 60s")
    return given
