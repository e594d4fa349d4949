"""How soon a new queue is on the page in a large key space, and what SCAN takes of Redis' time.

    python -m tests.bench.exporter_discovery [KEYS]

Exits 1 when a new queue takes longer than 10 s with 100,000 keys, or SCAN more than 1 % over a minute.
"""

import sys
import tempfile
import time
from pathlib import Path

import redis

from tests.bench import queues
from tests.conftest import ExporterProcess
from tests.servers import Server

WATCHED_SECONDS = 60.0


def main(keys: int = 100_000) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = Server("redis7", Path(folder), "save ''").start()
        client = redis.Redis.from_url(server.url)
        pipe = client.pipeline(transaction=False)
        for number in range(keys):
            pipe.set(f"bull:queue-0000:old-{number}", "x")
        pipe.execute()
        queues.fill(client, 20)
        client.config_resetstat()
        exporter = ExporterProcess(server.url)
        began = time.monotonic()
        try:
            slowest = max(_appears(exporter, client, number) for number in range(3))
            while time.monotonic() - began < WATCHED_SECONDS:
                time.sleep(0.5)
            elapsed = time.monotonic() - began
            share = client.info("commandstats")["cmdstat_scan"]["usec"] / 1e6 / elapsed
        finally:
            exporter.stop()
            server.stop()
    print(f"{keys} keys: a new queue is on the page after at most {slowest:.1f} s (limit 10)")
    print(f"SCAN took {share:.2%} of Redis' time over {elapsed:.0f} s (limit 1 %)")
    return 0 if slowest <= 10 and share <= 0.01 else 1


def _appears(exporter: ExporterProcess, client: redis.Redis, number: int) -> float:
    exporter.scrape()
    began = time.monotonic()
    client.hset(f"bull:fresh-{number}:meta", mapping={"opts.maxLenEvents": 10000, "version": "bullmq:5.81.5"})
    while f'queue="fresh-{number}"' not in exporter.raw():
        time.sleep(0.1)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
