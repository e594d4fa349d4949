"""This file knows when Bull jobs were put into the delayed set that had left it before they could be found there.

A `delayed` message holds the due time and no job id. Bull promotes jobs in the order of their due times, so the next
job that is promoted in the middle of an attempt is the one that falls due next. Later messages with the same due time
are ticks of Bull's timer.
"""

# Due times are remembered so many at most: a back-off is over, and with it its due time, long before.
_REMEMBERED_MAX = 1000


class PutBack:
    """The latest due times of one queue, and when each was first heard of."""

    def __init__(self) -> None:
        self._heard: dict[float, float | None] = {}
        """By due time; None where the job is known."""

    def note(self, payload: bytes, at_ms: float, *, is_placed: bool) -> None:
        """A `delayed` message; `is_placed` when its job was found."""
        try:
            due_ms = float(payload)
        except ValueError:
            return
        if due_ms in self._heard and not is_placed:
            return
        self._heard[due_ms] = None if is_placed else at_ms
        if len(self._heard) > _REMEMBERED_MAX:
            del self._heard[next(iter(self._heard))]

    def take(self, since_ms: float, until_ms: float) -> float | None:
        """When the job was put back that falls due next of those put back in a time; None when there is none."""
        found = [due for due, at in self._heard.items() if at is not None and since_ms <= at <= until_ms]
        if not found:
            return None
        due_ms = min(found)
        at_ms, self._heard[due_ms] = self._heard[due_ms], None
        return at_ms
