"""Knows in which order Bull and BullMQ start jobs, as read from their scripts (docs/decisions/0103)."""

import numpy as np

from planner.laws import Ints


def ranks(priorities: Ints, library: str, major: int) -> Ints:
    """Rank of each job's line, 0 first, from its `priority` option (0: none given).

    BullMQ 4 and later start jobs without a priority before all others. Bull and BullMQ 1 to 3 put a prioritised job
    in front of all plain ones. Among prioritised jobs a smaller number starts first, everywhere.
    """
    plain_first = library == "bullmq" and major >= 4
    order = np.where((priorities == 0) & (not plain_first), np.iinfo(np.int64).max, priorities)
    return np.asarray(np.unique(order, return_inverse=True)[1], dtype=np.int64)
