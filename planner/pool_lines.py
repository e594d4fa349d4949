"""Knows how the answers about pools are shown: as plain values, and as lines for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from planner.answers import duration
from planner.pool import SECONDS_PER_YEAR, BullConnections, PoolAnswer

# Once a year; what is rarer nobody sees.
SEEN_PER_HOUR = 3600.0 / SECONDS_PER_YEAR
# A use so near to all connections is that of an exhausted pool.
FULL = 0.99


def values(pools: Sequence[PoolAnswer], bull: BullConnections) -> dict[str, Any]:
    """For `--json`."""
    counts = {
        "blocking": bull.blocking,
        "bullmq_shared": bull.shared,
        "bullmq": bull.unshared,
        "bull": bull.bull,
    }
    return {"pools": [asdict(pool) for pool in pools], "bull_connections": counts}


def lines(pools: Sequence[PoolAnswer], bull: BullConnections) -> list[str]:
    """A paragraph a pool."""
    found: list[str] = []
    for pool in pools:
        found += _pool(pool)
    return [
        *found,
        f"the workers open {bull.shared} connections of their own with BullMQ when a process shares its main one,",
        f"  {bull.unshared} with BullMQ's defaults, {bull.bull} with Bull's: {bull.blocking} of them block, which",
        "  can't be shared",
    ]


def _pool(pool: PoolAnswer) -> list[str]:
    found = [
        f"{pool.name}: {pool.connections} connections, {_number(pool.commands_per_second)} commands a second: "
        f"{pool.utilisation:.2%} used, {_share(pool.prob_wait)} of commands wait",
        f"  needs {pool.connections_needed}, so that at most 1 % of commands wait",
        f"  a pool of {pool.connections} is well used at up to {pool.right_utilisation:.0%}; beyond, commands wait",
    ]
    if pool.timeouts_per_hour is not None and pool.fires_at is not None:
        found += _timeout(pool, pool.timeouts_per_hour, pool.fires_at)
    return found + [f"  assumed {text}" for text in pool.assumed]


def _timeout(pool: PoolAnswer, times_per_hour: float, fires_at: float) -> list[str]:
    """Whether it can ever fire, and what it then does."""
    name = f"the acquire timeout{'' if pool.timeout_seconds is None else f' of {duration(pool.timeout_seconds)}'}"
    if times_per_hour >= SEEN_PER_HOUR:
        does = "each is a command that gives up, and its job fails or is tried again"
        return [f"  {name} fires {_number(times_per_hour)} times an hour: {does}"]
    if fires_at >= FULL:
        return [f"  {name} can't fire before all connections are busy: it warns of nothing"]
    return [f"  {name} fires less than once a year; once a year from {fires_at:.0%} used on"]


def _share(share: float) -> str:
    return "<0.01%" if 0 < share < 1e-4 else f"{share:.2%}"


def _number(number: float) -> str:
    """Nobody reads powers of ten."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
