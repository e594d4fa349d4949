"""Knows how the answers about pools are shown: as plain values, and as lines for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from planner.pool import BullConnections, PoolAnswer


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
        f"{pool.name}: {pool.connections} connections, {pool.commands_per_second:,.3g} commands a second: "
        f"{pool.utilisation:.2%} used, {pool.prob_wait:.2%} of commands wait",
        f"  needs {pool.connections_needed}, so that at most 1 % of commands wait",
        f"  a pool of {pool.connections} is well used at up to {pool.right_utilisation:.0%}; beyond, commands wait",
    ]
    if pool.timeouts_per_hour is not None and pool.fires_at is not None:
        found.append(
            f"  the acquire timeout fires {pool.timeouts_per_hour:.3g} times an hour; "
            f"once a year from a load of {pool.fires_at:.0%} of the pool on"
        )
    return found + [f"  assumed {text}" for text in pool.assumed]
