"""Knows the smallest slots of many exponential queues at once, one recursion step for all of them together."""

import numpy as np

from planner.laws.named import Ints, Vector


def exponential_sizes(
    per_second: Vector, service_seconds: Vector, wait_seconds: Vector, level: float
) -> Ints:
    """Fewest slots so that the `level` quantile of the wait (M/M/c) is at most `wait_seconds`; one entry a queue.

    Erlang B grows by one slot a step; a queue drops out when it is served.
    """
    load = per_second * service_seconds
    sizes = np.zeros(len(load), dtype=np.int64)
    open_ = np.arange(len(load))
    lost, slots = np.ones(len(load)), 0
    while len(open_):
        slots += 1
        a = load[open_]
        lost = a * lost / (slots + a * lost)
        room = slots - a
        waits = lost / np.maximum(1.0 - (a / slots) * (1.0 - lost), 1e-300)
        served = room > 0
        tail = waits * np.exp(-np.maximum(room, 0.0) * wait_seconds[open_] / service_seconds[open_])
        done = served & (tail <= 1.0 - level)
        sizes[open_[done]] = slots
        open_, lost = open_[~done], lost[~done]
    return sizes
