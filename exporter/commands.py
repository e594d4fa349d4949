"""This file knows what each verb of `bullgauge-exporter` does."""

import argparse
import gc
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter import settings_file
from exporter.command_line import UsageError
from exporter.heaps import share_heaps
from exporter.notices import Notices
from exporter.settings import Settings, TargetSettings
from exporter.stopping import stopped_by_signals


def run(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    """Run the chosen verb; returns the exit status. Raises UsageError."""
    verbs: dict[str, Callable[[argparse.Namespace, dict[str, Any]], int]] = {
        "serve": _serve,
        "sample": _sample,
        "record": _record,
        "doctor": _doctor,
        "demo": _demo,
        "acl": _acl,
        "metrics": _metrics,
        "schema": _schema,
    }
    return verbs[options.verb](options, overrides)


@dataclass(frozen=True, slots=True)
class _Targets:
    """What the pages serve: one target behind /metrics, those of the user's list behind /probe."""

    default: Any
    named: Mapping[str, Any]


def _keep_memory_small() -> None:
    """One heap for all threads (several cost 5 MB, and the interpreter runs one thread at a time anyway), and what
    the imports left behind given back."""
    gc.collect()
    gc.freeze()
    share_heaps(1)


def _serve(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.following.place import StateError
    from exporter.web.pages import application
    from exporter.web.server import ListenError, Server

    settings = _settings(options, overrides)
    notices = _start_log(options.log_level)
    stop = stopped_by_signals()
    try:
        collectors = {target.name: _collector(target, notices) for target in (settings, *settings.targets)}
        default = collectors[settings.name]
        web = _web_config(settings)
        server = Server(application(_Targets(default, collectors)), settings.listen, web)
        _keep_memory_small()
        for collector in collectors.values():
            collector.start()
        server.start()
    except (StateError, ListenError) as error:
        raise UsageError(str(error)) from error
    host = settings.listen.rpartition(":")[0] or "127.0.0.1"
    scheme = "https" if web is not None and web.current().tls is not None else "http"
    # One write: the follower's thread may be logging, and half a line of each helps nobody.
    sys.stderr.write(f"bullgauge-exporter: listening on {scheme}://{host}:{server.port}\n")
    sys.stderr.flush()
    stop.wait()
    server.stop()
    for collector in collectors.values():
        collector.stop()
    return 0


def _collector(settings: TargetSettings, notices: Notices) -> Any:
    from exporter.collector import Collector
    from exporter.connection.topology import Topology
    from exporter.following.place import StateFile

    state = None
    if settings.state_file is not None:
        state = StateFile(settings.state_file, Topology(settings.redis).address)
    return Collector(settings, notices, state)


def _web_config(settings: Settings) -> Any:
    if settings.web_config_file is None:
        return None
    from exporter.web.config import WebConfigFile
    from exporter.web.tls import WebConfigError

    try:
        return WebConfigFile(settings.web_config_file)
    except WebConfigError as error:
        raise UsageError(str(error)) from error


def _sample(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.connection.wire import WireError
    from exporter.sample.verb import sample

    settings = _settings(options, overrides)
    every = _seconds("--every", options.every, 3600)
    stop = stopped_by_signals()
    try:
        return sample(
            settings, watch_seconds=every if options.watch else None, as_json=options.json, stop=stop
        )
    except WireError as error:
        raise UsageError(str(error)) from error


def _record(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.connection.wire import WireError
    from exporter.record import record

    settings = _settings(options, overrides)
    for_seconds = _seconds("--for", options.for_seconds, 1e9)
    notices = _start_log(options.log_level)
    stop = stopped_by_signals()
    try:
        return record(settings, notices, options.out, for_seconds, stop)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{options.out or 'stdout'}: {error.strerror or error}") from error
    except WireError as error:
        raise UsageError(str(error)) from error


def _seconds(option: str, seconds: float | None, most: float) -> float | None:
    """A time that can be waited for. Raises UsageError."""
    if seconds is not None and not 0.1 <= seconds <= most:
        raise UsageError(f"command line: {option} {seconds:g}: must be between 0.1 and {most:g} seconds")
    return seconds


def _doctor(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.doctor import diagnose

    settings = _settings(options, overrides)
    stop = stopped_by_signals()
    return diagnose(settings, as_json=options.json, stop=stop)


def _demo(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.demo.run import run_demo

    return run_demo(options.for_seconds, options.redis, options.listen)


def _acl(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.connection.acl import acl_line

    line = acl_line(
        options.user,
        options.prefix or ["bull"],
        least=options.least,
        redis_6=options.redis_6,
        also=options.also or (),
    )
    print(line)
    return 0


def _metrics(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from exporter.reference import metrics_page

    print(metrics_page(), end="")
    return 0


def _schema(options: argparse.Namespace, overrides: dict[str, Any]) -> int:
    print(json.dumps(Settings.model_json_schema(), indent=2))
    return 0


def _settings(options: argparse.Namespace, overrides: dict[str, Any]) -> Settings:
    settings = settings_file.load(options.config, overrides)
    # What the page is to hold; the other verbs read what they themselves need.
    return settings if options.verb == "serve" else settings.model_copy(update={"collect": []})


def _start_log(level: str) -> Notices:
    logging.basicConfig(
        stream=sys.stderr, level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return Notices(logging.getLogger("bullgauge"))
