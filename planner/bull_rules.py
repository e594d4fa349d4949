"""Knows in which order Bull and BullMQ start jobs, as read from their scripts (docs/decisions/0103)."""

import numpy as np

from planner.laws import Ints


def ranks(priorities: Ints, library: str, major: int, lifo: Ints | None = None) -> Ints:
    """Rank of each job's line, 0 first, from its `priority` option (0: none given) and whether it is LIFO.

    BullMQ 4 and later start jobs without a priority before all others. Bull and BullMQ 1 to 3 keep one list, with a
    prioritised job in front of all plain ones; a plain LIFO job goes to its very head. Among prioritised jobs a smaller
    number starts first, everywhere.
    """
    plain_first = library == "bullmq" and major >= 4
    order = np.where((priorities == 0) & (not plain_first), np.iinfo(np.int64).max, priorities)
    if lifo is not None and not plain_first:
        order = np.where((priorities == 0) & (lifo == 1), -1, order)
    return np.asarray(np.unique(order, return_inverse=True)[1], dtype=np.int64)


def joins_late(library: str, major: int) -> bool:
    """Whether a job that falls due while every slot is busy joins only when a worker asks for the next one.

    BullMQ 2 and later move what is due when a worker asks (`promoteDelayedJobs`); Bull by a timer of the queue, and
    BullMQ 1 by its QueueScheduler, when it is due.
    """
    return library == "bullmq" and major >= 2
