"""Whether `predict` comes true, asked before the runs, where processes are killed and where parents wait for children.

    python -m tests.bench.planner_crashes [SECONDS]

A real Redis and real BullMQ 5: ten queues on three processes each, every one killed (SIGKILL) after 30 s on average
and back 3 s later; and ten queues of flows, a fifth of what is added being parents of four. Poisson arrivals,
exponential work done by timers. `predict --run-of` says beforehand between which ends 9 of 10 such runs lie: mean and
95th percentile of the wait.

Exits 1 when a band holds fewer than 8 of its 10 queues. Misses stay in the table.
"""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.bench.bullmq_answers import Ends, Figures, foretold, observed
from tests.bench.bullmq_crashes import Killed, Steps, command, play
from tests.bench.bullmq_runs import prefer
from tests.servers import Server

SECONDS = 360.0
FIGURES = ("mean", "p95")
EACH = 10
# More would keep a machine of two cores too busy to be in time.
AT_ONCE = 5
INSIDE = 8
# An idle slot of BullMQ takes a job up after about this, as `replay` finds; the file of queues has no word for it.
PICKUP = "0.5ms"
EVERY_SECONDS, RESTART_SECONDS = 30.0, 3.0
NEVER_SECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Kind:
    """Queues of one kind: what is added, who works, and what the planner's file says beside that."""

    name: str
    per_second: float
    mean_ms: float
    concurrency: int
    processes: int
    more: str
    worker: Mapping[str, int] = field(default_factory=dict)
    killed_every_seconds: float = NEVER_SECONDS
    parents: float = 0.0
    children: int = 0

    def jobs(self, seconds: float) -> int:
        return round(self.per_second * seconds * (1 + self.parents * self.children))

    def asked(self) -> str:
        """The planner's file."""
        words = [
            f"name: {self.name}",
            "library: bullmq5",
            f"concurrency: {self.concurrency}",
            f"workers: {self.processes}",
            f"jobs_per_hour: {self.per_second * 3600:.0f}",
            f"service: {{law: exponential, mean: {self.mean_ms:.0f}ms}}",
            self.more,
        ]
        return f"queues: [{{{', '.join(words)}}}]\n"

    def steps(self, random: np.random.Generator, seconds: float) -> Steps:
        """What is added to one queue within so many seconds."""
        moments = np.cumsum(random.exponential(1 / self.per_second, round(2 * self.per_second * seconds)))

        def work() -> int:
            return max(1, round(random.exponential(self.mean_ms)))

        return [
            (
                float(at),
                work(),
                [work() for _ in range(self.children if random.random() < self.parents else 0)],
            )
            for at in moments[moments < seconds]
        ]

    def work(self, server: Server, queue: str, seed: int) -> list[Killed]:
        """Its processes, at work."""
        worker = command(server, queue, self.concurrency, self.worker)
        return [
            Killed(worker, self.killed_every_seconds, RESTART_SECONDS, np.random.default_rng((seed, process)))
            for process in range(self.processes)
        ]


KINDS = (
    Kind(
        "crash",
        per_second=25.0,
        mean_ms=300.0,
        concurrency=4,
        processes=3,
        more="crashes: {every: 30s, restart: 3s, lock_duration: 3s, stalled_interval: 3s, max_stalled_count: 100}",
        worker={"lockDuration": 3000, "stalledInterval": 3000, "maxStalledCount": 100},
        killed_every_seconds=EVERY_SECONDS,
    ),
    Kind(
        "flow",
        per_second=10.0,
        mean_ms=200.0,
        concurrency=9,
        processes=1,
        more="children: {share: 0.2, count: 4}",
        parents=0.2,
        children=4,
    ),
)


def told(kind: Kind, seconds: float, folder: Path) -> Ends:
    """What `predict` says of a run of a queue of this kind."""
    file = folder / f"{kind.name}.yaml"
    file.write_text(kind.asked())
    return foretold(file, ["--run-of", str(kind.jobs(seconds)), "--pickup", PICKUP])


def is_inside(waits: Figures, ends: Ends, figure: str) -> bool:
    low, high = ends[figure]
    return low <= waits[figure] <= high


def row(queue: str, jobs: int, kills: int, waits: Figures, ends: Ends) -> str:
    """A line of the table."""
    line = f"{queue:8}{jobs:7,}{kills:7}"
    for figure in FIGURES:
        low, high = ends[figure]
        holds = "in " if is_inside(waits, ends, figure) else "OUT"
        line += f"{1000 * waits[figure]:10.1f} ms{1000 * low:9.1f} to {1000 * high:6.1f} {holds}"
    return line


def played(
    server: Server, queues: Mapping[str, tuple[Kind, int]], seconds: float, folder: Path
) -> tuple[dict[str, tuple[int, Figures]], dict[str, int]]:
    """Jobs and waits seen of each queue, whose number is its seed, and how many of its processes were killed."""
    plan = {queue: kind.steps(np.random.default_rng(seed), seconds) for queue, (kind, seed) in queues.items()}
    with ExitStack() as stack:
        workers = {queue: kind.work(server, queue, seed) for queue, (kind, seed) in queues.items()}
        for worker in (one for those in workers.values() for one in those):
            stack.callback(worker.stop)
        trace = play(server, plan, folder)
    return observed(trace), {queue: sum(one.kills for one in those) for queue, those in workers.items()}


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ends = {kind.name: told(kind, seconds, folder) for kind in KINDS}
        prefer()
        server = Server("redis7", folder / "redis").start()
        stack.callback(server.stop)
        queues: dict[str, tuple[Kind, int]] = {}
        seen: dict[str, tuple[int, Figures]] = {}
        kills: dict[str, int] = {}
        for first in range(0, EACH, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, EACH))
            those = {f"{kind.name}{number}": (kind, number) for kind in KINDS for number in numbers}
            round_seen, round_kills = played(server, those, seconds, folder)
            queues |= those
            seen |= round_seen
            kills |= round_kills
    print("queue     jobs  kills" + "".join(f"{f'{figure} seen':>13}{'foretold':>22}" for figure in FIGURES))
    for queue, (kind, _) in queues.items():
        print(row(queue, seen[queue][0], kills[queue], seen[queue][1], ends[kind.name]))
    return judged({queue: (kind.name, seen[queue][1]) for queue, (kind, _) in queues.items()}, ends)


def judged(seen: Mapping[str, tuple[str, Figures]], ends: Mapping[str, Ends]) -> int:
    """Prints how many queues each band holds; 1 where that is too few."""
    status = 0
    for kind in KINDS:
        for figure in FIGURES:
            held = sum(
                is_inside(waits, ends[kind.name], figure)
                for name, waits in seen.values()
                if name == kind.name
            )
            print(f"{kind.name} {figure}: {held} of {EACH} held, at least {INSIDE}")
            status |= held < INSIDE
    return status


if __name__ == "__main__":
    sys.exit(main())
