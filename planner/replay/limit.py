"""Knows a rate limit from a trace: jobs waited beside idle slots, and windows of one length brought as many starts."""

import heapq
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from planner.fleet import RateLimit
from planner.replay.trace import Attempt

# An idle slot takes milliseconds: a start that came so long after it could have was held back.
HELD_SECONDS = 0.03
# So many windows must have had as many starts and been as long, to this part of themselves.
WINDOWS, CLOSE = 5, 0.02


def limit_seen(attempts: Sequence[Attempt], slots: int) -> RateLimit | None:
    """None where no limit shows. `attempts` are in order of their starts.

    A window opens with a start that was held back while nothing else started. From one such start to the next lies one
    window where jobs wait throughout: the shortest of those that are alike. No stretch may have had more starts.
    """
    opens = _opening(attempts, slots)
    windows = [
        (later - earlier, attempts[later].started - attempts[earlier].started)
        for earlier, later in pairwise(opens)
    ]
    for most in sorted({count for count, _ in windows}):
        lengths = np.sort([seconds for count, seconds in windows if count == most])
        near = lengths[lengths <= (1.0 + CLOSE) * lengths[0]]
        if len(near) < WINDOWS:
            continue
        limit = RateLimit(most, float(near.mean()))
        if all(count <= most * np.ceil(seconds / limit.window_seconds - CLOSE) for count, seconds in windows):
            return limit
    return None


def _opening(attempts: Sequence[Attempt], slots: int) -> list[int]:
    """Places of the starts that were held back, with a pause before them."""
    free: list[float] = []
    found, before = [], -np.inf
    for place, one in enumerate(attempts):
        freed = heapq.heappop(free) if len(free) == slots else -np.inf
        if one.ready is not None and one.started - max(one.ready, freed, before) > HELD_SECONDS:
            found.append(place)
        heapq.heappush(free, one.ended)
        before = one.started
    return found
