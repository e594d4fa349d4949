"""Whether anything is lost while real BullMQ workers finish as many jobs as this machine can.

    python -m tests.bench.exporter_keep_up [JOBS_PER_QUEUE]

Four queues, real workers of concurrency 50, jobs that take no time and are removed on completion; one in twenty
fails. Exits 1 unless completed and failed are equal to what the handlers counted and no event was lost.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.conftest import ExporterProcess
from tests.processes import Program
from tests.servers import Server

QUEUES = 4
NODE = Path(__file__).parents[1] / "node"


def main(jobs: int = 10_000) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = Server("redis7", Path(folder), "save ''").start()
        exporter = ExporterProcess(server.url)
        try:
            return _compare(server, exporter, jobs)
        finally:
            exporter.stop()
            server.stop()


def _compare(server: Server, exporter: ExporterProcess, jobs: int) -> int:
    flood = Program(["node", str(NODE / "flood.mjs"), server.url, str(QUEUES), str(jobs)], cwd=NODE)
    for number in range(QUEUES):
        flood.wait_for(f"ready flood-{number}")
    # Finding new queues has a bench of its own; here the workers of queues that are known go at full speed.
    while exporter.raw().count('state="waiting"') < QUEUES:
        pass
    flood.tell("go")
    truth = json.loads(flood.wait_for('{"handled"', seconds=300))
    page = exporter.scrape()
    found = {"completed": 0.0, "failed": 0.0}
    for sample in page["queue_jobs_processed"].samples:
        found[sample.labels["status"]] += sample.value
    lost = dict.fromkeys(("trimmed", "disconnected", "unknown_start"), 0.0)
    for sample in page["queue_events_lost"].samples:
        lost[sample.labels["reason"]] += sample.value
    lag = max(sample.value for sample in page["queue_events_lag_seconds"].samples)
    expected = {"completed": truth["handled"] - truth["failed"], "failed": truth["failed"]}
    rate = truth["handled"] / truth["seconds"]
    print(f"{truth['handled']} jobs in {truth['seconds']:.1f} s, {rate:.0f} a second, beside the exporter")
    print(f"counted {found}, handlers {expected}, lost {lost}, lag {lag:.3f} s")
    return 0 if found == expected and not any(lost.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
