"""This file knows the table of a plan's connection pools, and the connections that the workers open by themselves."""

from collections.abc import Sequence

import pandas as pd

from dashboard.amounts import NOTHING, share
from planner.file.queue_file import AskedFile
from planner.pool import BullConnections, PoolAnswer, answer, bull_connections, jobs_per_second


def pools(file: AskedFile) -> list[PoolAnswer]:
    """What `bullgauge-planner pool` says."""
    rate = jobs_per_second(file.queues)
    return [answer(name, words, rate) for name, words in file.pools.items()]


def table(found: Sequence[PoolAnswer]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "pool": one.name,
                "connections": one.connections,
                "needed": one.connections_needed,
                "used": share(one.utilisation),
                "commands that wait": _seldom(one.prob_wait),
                "right use for this size": share(one.right_utilisation),
                "timeouts an hour": NOTHING
                if one.timeouts_per_hour is None
                else f"{one.timeouts_per_hour:.3g}",
            }
            for one in found
        ]
    )


def _seldom(ratio: float) -> str:
    """A share that nobody will see is told as such."""
    return share(ratio) if ratio >= 1e-4 else "< 0.01 %"


def beside(file: AskedFile) -> str:
    """The connections of Bull's own, in one line."""
    own: BullConnections = bull_connections(file.queues)
    return (
        f"Beside them the workers open {own.shared} connections of their own with BullMQ when a process shares its "
        f"main one, {own.unshared} with BullMQ's defaults, {own.bull} with Bull's; {own.blocking} of them block."
    )
