"""What the exporter costs: Redis' main thread, memory, start, connections and disk.

    python -m tests.bench.exporter_cost [SECONDS]

Redis: 1,000 queues, 2,000 jobs a second, a scrape every 15 s; our commands' share by commandstats, at most 3 %.
Memory: 100 queues, 5,000 jobs a second; resident size at most 60 MB. Start: ready in under 1 s.
Exits 1 when a limit is missed.
"""

import json
import os
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import redis

from tests.bench import queues
from tests.processes import Program
from tests.servers import Server

# Commands of the load; everything else that Redis ran in the meantime was ours.
LOAD_COMMANDS = {"xadd", "hset", "set", "del", "info"}
SCRAPE_SECONDS = 15.0


class Load(threading.Thread):
    """Writes the entries of plain jobs, evenly over the queues, at a fixed rate, until stopped."""

    def __init__(self, url: str, number_of_queues: int, jobs_per_second: int) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis.from_url(url)
        self._queues = number_of_queues
        self._rate = jobs_per_second
        self._stopped = threading.Event()
        self.jobs = 0

    def run(self) -> None:
        began = time.monotonic()
        while not self._stopped.wait(0.02):
            due = int((time.monotonic() - began) * self._rate)
            self._write(min(due - self.jobs, self._rate // 10))

    def _write(self, jobs: int) -> None:
        pipe = self._client.pipeline(transaction=False)
        for job in range(self.jobs, self.jobs + jobs):
            key = f"bull:queue-{job % self._queues:04d}:events"
            trim = {"maxlen": 10000, "approximate": True}
            pipe.xadd(key, {"event": "added", "jobId": job, "name": f"type-{job % 3}"}, **trim)
            pipe.xadd(key, {"event": "waiting", "jobId": job}, **trim)
            pipe.xadd(key, {"event": "active", "jobId": job, "prev": "waiting"}, **trim)
            pipe.xadd(
                key, {"event": "completed", "jobId": job, "returnvalue": "null", "prev": "active"}, **trim
            )
        pipe.execute()
        self.jobs += jobs

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def main(seconds: float = 60.0) -> int:
    with tempfile.TemporaryDirectory() as folder:
        results = {**_share(Path(folder), 1000, 2000, seconds), **_memory(Path(folder), 100, 5000, seconds)}
    limits = {"redis_share": 0.03, "resident_mb": 60.0, "ready_seconds": 1.0}
    missed = [name for name, limit in limits.items() if results[name] > limit]
    print(json.dumps(results, indent=2))
    print("missed: " + ", ".join(missed) if missed else "all limits met")
    return 1 if missed else 0


def _share(folder: Path, number: int, rate: int, seconds: float) -> dict[str, float]:
    (folder / "share").mkdir()
    server = Server("redis7", folder / "share", "save ''").start()
    client = redis.Redis.from_url(server.url)
    queues.fill(client, number)
    exporter, address, ready = _start(server.url)
    load = Load(server.url, number, rate)
    client.config_resetstat()
    load.start()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        _get(address + "/metrics")
        time.sleep(min(SCRAPE_SECONDS, max(0.0, seconds - (time.monotonic() - began))))
    elapsed = time.monotonic() - began
    stats = client.info("commandstats")
    load.stop()
    names = {name: name.removeprefix("cmdstat_").split("|")[0] for name in stats}
    ours = {name: stats[name]["usec"] for name in stats if names[name] not in LOAD_COMMANDS}
    share = sum(ours.values()) / 1e6 / elapsed
    dearest = sorted(ours, key=lambda name: -ours[name])[:4]
    exporter.stop()
    server.stop()
    return {
        "redis_share": round(share, 5),
        "share_jobs_per_second": round(load.jobs / elapsed),
        "ready_seconds": round(ready, 3),
        **{
            f"share_{name.removeprefix('cmdstat_')}": round(ours[name] / 1e6 / elapsed, 5) for name in dearest
        },
    }


def _memory(folder: Path, number: int, rate: int, seconds: float) -> dict[str, float]:
    (folder / "memory").mkdir()
    server = Server("redis7", folder / "memory", "save ''").start()
    client = redis.Redis.from_url(server.url)
    queues.fill(client, number)
    exporter, address, _ = _start(server.url)
    load = Load(server.url, number, rate)
    load.start()
    began, largest = time.monotonic(), 0.0
    while time.monotonic() - began < seconds:
        _get(address + "/metrics")
        largest = max(largest, _resident_mb(exporter.process.pid))
        time.sleep(2)
    load.stop()
    done = sum(
        float(line.rsplit(" ", 1)[1])
        for line in _get(address + "/metrics").splitlines()
        if line.startswith("queue_jobs_processed_total") and 'status="completed"' in line
    )
    connections = len([c for c in client.client_list() if c["name"].startswith("bullgauge")])
    exporter.stop()
    server.stop()
    return {
        "resident_mb": round(largest, 1),
        "memory_jobs_per_second": round(load.jobs / (time.monotonic() - began)),
        "memory_jobs_written": load.jobs,
        "memory_jobs_counted": int(done),
        "connections": connections,
    }


def _start(url: str) -> tuple[Program, str, float]:
    began = time.monotonic()
    program = Program([sys.executable, "-m", "exporter", "--redis", url, "--listen", "127.0.0.1:0"])
    address = program.wait_for("listening on ").split("listening on ")[1].strip()
    while True:
        try:
            _get(address + "/-/ready")
            return program, address, time.monotonic() - began
        except urllib.error.HTTPError:
            time.sleep(0.005)


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as reply:
        return reply.read().decode()


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main(*(float(argument) for argument in sys.argv[1:])))
