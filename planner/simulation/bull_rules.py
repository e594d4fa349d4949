"""Knows in which order Bull and BullMQ start jobs, as read from their scripts (docs/decisions/0103)."""

from collections.abc import Iterable

import numpy as np

from planner.laws.named import Ints


def order_of_start(priorities: Iterable[int], library: str, major: int) -> tuple[int, ...]:
    """The values of the `priority` option (0: none given), those that start first before the others.

    BullMQ 4 and later start jobs without a priority before all others; Bull and BullMQ 1 to 3 keep one list, with a
    prioritised job in front of all plain ones. Among prioritised jobs a smaller number starts first, everywhere.
    """
    plain_first = library == "bullmq" and major >= 4
    return tuple(sorted(set(priorities), key=lambda value: (value == 0 and not plain_first, value)))


def ranks(priorities: Ints, library: str, major: int) -> Ints:
    """Rank of each job's line, 0 first, from its `priority` option."""
    order = order_of_start(priorities.tolist(), library, major)
    place = {value: rank for rank, value in enumerate(order)}
    return np.array([place[value] for value in priorities.tolist()], dtype=np.int64)


def joins_late(library: str, major: int) -> bool:
    """Whether a job that falls due while no worker can take one joins only when a worker asks for the next one.

    BullMQ 2 and later move what is due when a worker asks (`promoteDelayedJobs`); Bull by a timer of the queue, and
    BullMQ 1 by its QueueScheduler, when it is due.
    """
    return library == "bullmq" and major >= 2
