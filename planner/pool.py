"""Knows what a pool of connections does under a load: its use, its waits, and whether its timeout can ever fire.

A command takes a connection for its whole time; callers come as a Poisson stream and hold it for exponential times
(a long-tailed command only makes waits longer). Who waits longer than the timeout gives up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.answers import duration
from planner.exact.erlang import erlang_c, smallest_slots
from planner.exact.patience import impatient_wait
from planner.file.pool_words import PoolWords
from planner.file.queue_file import AskedQueue
from planner.laws.named import Deterministic

# One command in a hundred may find no free connection.
WAITING_SHARE = 0.01
SECONDS_PER_YEAR = 31_557_600.0


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """Shares from 0 to 1. `fires_at` is the offered use at which the timeout fires once a year; None without one."""

    name: str
    connections: int
    commands_per_second: float
    utilisation: float
    prob_wait: float
    connections_needed: int
    right_utilisation: float
    timeout_seconds: float | None
    timeouts_per_hour: float | None
    fires_at: float | None
    assumed: tuple[str, ...]

    def commands_per_job_for(
        self, utilisation: float, jobs_per_second: float, command_seconds: float
    ) -> float:
        """Commands a job must send to bring the pool to a use."""
        return utilisation * self.connections / command_seconds / jobs_per_second


def jobs_per_second(queues: Sequence[AskedQueue]) -> float:
    """Attempts of all queues."""
    return sum(queue.question.workload.attempts_per_second for queue in queues)


def used_up_at(pool: PoolWords, attempts_per_second: float) -> float:
    """Times the load at which every connection is busy all the time: no more commands can be sent."""
    return pool.maxConnections / (attempts_per_second * pool.commands_per_job * pool.command_time)


def answer(name: str, pool: PoolWords, attempts_per_second: float) -> PoolAnswer:
    """What `pool` does when each attempt sends its commands through it."""
    size, held = pool.maxConnections, pool.command_time
    rate = attempts_per_second * pool.commands_per_job
    load = rate * held
    timeout = pool.acquireTimeoutMs / 1000 if pool.acquireTimeoutMs else None

    def lost(commands_per_second: float, seconds: float) -> float:
        return impatient_wait(size, commands_per_second, held, Deterministic(seconds)).p_timeout

    def fires(utilisation: float) -> bool:
        there = utilisation * size / held
        return timeout is not None and lost(there, timeout) * there * SECONDS_PER_YEAR >= 1.0

    told = {"commands_per_job": f"{pool.commands_per_job:g}", "command_time": duration(pool.command_time)}
    return PoolAnswer(
        name=name,
        connections=size,
        commands_per_second=rate,
        utilisation=min(1.0, load / size),
        prob_wait=erlang_c(size, load),
        connections_needed=smallest_slots(load, lambda count: erlang_c(count, load) <= WAITING_SHARE),
        right_utilisation=_turning(lambda use: erlang_c(size, use * size) > WAITING_SHARE, 1.0),
        timeout_seconds=timeout,
        timeouts_per_hour=None if timeout is None else lost(rate, timeout) * rate * 3600,
        fires_at=None if timeout is None else _turning(fires, 2.0),
        assumed=tuple(
            f"{name}: {value}" for name, value in told.items() if name not in pool.model_fields_set
        ),
    )


def _turning(above: Callable[[float], bool], high: float) -> float:
    """Where `above` turns true between 0 and `high`."""
    low = 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class BullConnections:
    """Connections that the workers' libraries open by themselves, beside any pool.

    docs.bullmq.io, Connections; Bull, Reusing Redis Connections: a blocking connection serves one worker and can't be
    shared, the others can.
    """

    blocking: int
    processes: int
    queues: int

    @property
    def shared(self) -> int:
        """BullMQ with one main connection a process."""
        return self.blocking + self.processes

    @property
    def unshared(self) -> int:
        """BullMQ with its defaults: each worker has its own two, each producer one."""
        return 2 * self.blocking + self.queues

    @property
    def bull(self) -> int:
        """Bull 3 and 4 with their defaults: client, subscriber and blocking client a queue and process."""
        return 3 * self.blocking


def bull_connections(queues: Sequence[AskedQueue]) -> BullConnections:
    """For one worker a queue in each of its processes."""
    processes = [queue.question.fleet.processes for queue in queues]
    return BullConnections(sum(processes), max(processes), len(queues))
