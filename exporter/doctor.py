"""This file knows what stands in the way of a good measurement, and says it before anybody relies on one."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict

from exporter import doctor_findings as of
from exporter.connection.wire import WireError, deadline_in
from exporter.doctor_findings import Finding, Verdict
from exporter.doctor_streams import of_streams, read_spans
from exporter.notices import Notices, one_line
from exporter.sample.reading import Sampler
from exporter.sample.verb import Progress
from exporter.settings import TargetSettings


def diagnose(settings: TargetSettings, *, as_json: bool, stop: threading.Event) -> int:
    """Print what was found; 0 when nothing failed, 1 when something did. `stop` ends the search for queues."""
    findings = list(_look(settings, stop))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            advice = f"\n         {finding.advice}" if finding.advice else ""
            print(f"{finding.verdict:>7}  {finding.what}{advice}")
    return 1 if any(finding.verdict is Verdict.FAILED for finding in findings) else 0


def _look(settings: TargetSettings, stop: threading.Event) -> Iterator[Finding]:
    quiet = logging.getLogger("bullgauge.doctor")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    sampler = Sampler(settings, Notices(quiet))
    sampler.start()
    try:
        yield from _findings(sampler, settings, stop)
    except WireError as error:
        yield of.unreachable(one_line(str(error)))
    finally:
        sampler.stop()


def _findings(sampler: Sampler, settings: TargetSettings, stop: threading.Event) -> Iterator[Finding]:
    with Progress(sys.stderr) as progress:
        sampler.find(stop, progress.tell)
    sample = sampler.read()
    yield from of.of_server(sampler.address, sample.redis.server)
    yield from of.of_rights(sample.refused, settings)
    yield from of.of_connections(sample)
    yield from of.of_queues(sample, settings)
    if "xinfo|stream" not in sample.refused:
        streams = [queue.name for queue in sample.redis.queues if queue.library != "bull"]
        yield from of_streams(read_spans(sampler.links, streams, deadline_in(settings.redis.timeout_seconds)))
