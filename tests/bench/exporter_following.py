"""How long following 200,000 stream entries takes, as a ratio to a bare redis-py XREAD loop, in one run.

    python -m tests.bench.exporter_following [JOBS]

The bare loop reads with COUNT 1000 through redis-py with hiredis and throws everything away. Ours reads the same
stream, keeps every job's life and fills the histograms. Exits 1 when the ratio is above 1.5 or a job is missing.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random

import redis

from exporter.connection.topology import Links, Topology
from exporter.following.payloads import PayloadSampler
from exporter.following.roster import Roster
from exporter.following.streamreader import StreamReader
from exporter.keys import QueueName
from exporter.settings import RedisSettings, TargetSettings
from tests.bench import queues
from tests.servers import Server

ROUNDS = 7
"""The best of so many is compared: what else the machine does only ever adds time."""
LIMIT = 1.5
QUEUE = QueueName(b"bull", b"queue-0000")


def main(jobs: int = 50_000) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = Server("redis7", Path(folder), "save ''").start()
        try:
            return _compare(server, jobs)
        finally:
            server.stop()


def _compare(server: Server, jobs: int) -> int:
    client = redis.Redis.from_url(server.url)
    for first in range(0, jobs, 5000):
        queues.work(client, 0, min(5000, jobs - first), job_types=5, first=first)
    bare, ours, completed = [], [], 0
    for _ in range(ROUNDS):
        bare.append(_bare(client))
        seconds, completed = _follow(server)
        ours.append(seconds)
    ratio = min(ours) / min(bare)
    rate = 4 * jobs / min(ours)
    print(f"{4 * jobs} entries: bare {min(bare) * 1000:.0f} ms, ours {min(ours) * 1000:.0f} ms")
    print(f"{rate:,.0f} entries/s; {completed} of {jobs} jobs counted; ratio {ratio:.2f} (limit {LIMIT:.2f})")
    return 0 if ratio <= LIMIT and completed == jobs else 1


def _bare(client: redis.Redis) -> float:
    began, position = time.perf_counter(), b"0-0"
    while reply := client.xread({QUEUE.key(b"events"): position}, count=1000):
        position = reply[0][1][-1][0]
    return time.perf_counter() - began


def _follow(server: Server) -> tuple[float, int]:
    settings = TargetSettings(redis=RedisSettings(url=server.url))
    links = Links(Topology(settings.redis), "follow")
    deadline = time.monotonic() + 60
    list(links.connect(deadline))
    roster = Roster(settings)
    reader = StreamReader(links, roster)
    payloads = PayloadSampler(settings.payload_samples_per_second, Random(1))
    followed = roster.add(QUEUE, "stream")
    reader.admit([(followed, True)], 0, int(time.time() * 1000), deadline)
    lock = threading.Lock()
    began, more = time.perf_counter(), True
    while more:
        batches = reader.read(deadline)
        more = reader.take(batches)
        reader.settle()
        reader.look_up_names(deadline, lock)
        payloads.sample(roster, links, deadline)
    seconds = time.perf_counter() - began
    links.close()
    return seconds, followed.tally.completed


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
