"""This file knows how close queues are to what they can do: used, ceiling, headroom, and who gives way first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.page import labels_of
from dashboard.queue_now import QueueNow
from planner.exact.limits import Ceiling, ceiling
from planner.file.queue_file import AskedFile, AskedQueue
from planner.fit.slots import Slots
from planner.fleet import Fleet, RateLimit
from planner.laws.arrivals import Poisson
from planner.laws.named import Exponential
from planner.workload import Workload

GIVE_CONFIG = "slots are not in Redis: give --config"
UNKNOWN = Slots("unknown", None, GIVE_CONFIG)
QUIET = "no job has ended lately, so nothing tells how long one takes"


@dataclass(frozen=True, slots=True)
class QueueCapacity:
    """One queue against its ceiling. `used` is a share of the ceiling; None where `why` says what is missing."""

    name: str
    slots: Slots
    used: float | None = None
    ceiling_per_hour: float | None = None
    set_by: str = ""
    why: str = ""

    @property
    def headroom_per_hour(self) -> float | None:
        if self.ceiling_per_hour is None or self.used is None:
            return None
        return max(0.0, self.ceiling_per_hour * (1.0 - self.used))


@dataclass(frozen=True, slots=True)
class Capacity:
    """All queues together, grown alike: the first to reach its ceiling bounds the whole."""

    queues: tuple[QueueCapacity, ...]
    finished_per_hour: float | None
    first: QueueCapacity | None
    why: str = ""

    @property
    def used(self) -> float | None:
        return self.first.used if self.first else None

    @property
    def sustainable_per_hour(self) -> float | None:
        """What all queues finish in an hour when the first of them is at its ceiling, by the present mix."""
        if not self.used or self.finished_per_hour is None:
            return None
        return self.finished_per_hour / self.used

    @property
    def headroom_per_hour(self) -> float | None:
        total = self.sustainable_per_hour
        return (
            None
            if total is None or self.finished_per_hour is None
            else max(0.0, total - self.finished_per_hour)
        )

    @property
    def is_lower_bound(self) -> bool:
        """Whether slots that bound the answer were only seen, not said: there may be more."""
        return self.first is not None and self.first.slots.kind == "lower bound"


def capacity(queues: Sequence[QueueNow], slots: Mapping[str, Slots]) -> Capacity:
    """`slots` by the names of queues. A queue without work keeps nobody from knowing the whole."""
    found = tuple(queue_capacity(queue, slots.get(queue.name, UNKNOWN)) for queue in queues)
    finished = [queue.finished_per_hour for queue in queues if queue.finished_per_hour is not None]
    missing = [
        one.name
        for one, queue in zip(found, queues, strict=True)
        if one.slots.count is None and queue.attempts
    ]
    if missing:
        listed = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        return Capacity(
            found, sum(finished) if finished else None, None, f"{GIVE_CONFIG} (unknown: {listed})"
        )
    loaded = [one for one in found if one.used]
    first = max(loaded, key=lambda one: one.used or 0.0) if loaded else None
    return Capacity(found, sum(finished) if finished else None, first, "" if first else QUIET)


def queue_capacity(queue: QueueNow, slots: Slots) -> QueueCapacity:
    if slots.count is None:
        return QueueCapacity(queue.name, slots, why=slots.why)
    mean, busy = queue.attempt_mean_seconds, queue.busy_slots
    if mean is None or busy is None or not queue.attempts:
        return QueueCapacity(queue.name, slots, used=0.0 if queue.finished == 0 else None, why=QUIET)
    rate = queue.attempts / queue.seconds
    limit = _ceiling(queue, slots.count, rate, mean)
    jobs_per_attempt = (queue.finished or 0.0) / queue.attempts
    return QueueCapacity(
        queue.name, slots, rate / limit.per_second, limit.per_second * 3600 * jobs_per_attempt, limit.set_by
    )


def idle_share(queue: QueueNow, slots: Slots) -> float | None:
    """Of the time of all slots that in which no attempt ran; of a lower bound of slots it is the least there was."""
    if slots.count is None or queue.busy_slots is None:
        return None
    return max(0.0, 1.0 - queue.busy_slots / slots.count)


def _ceiling(queue: QueueNow, slots: int, rate: float, mean_seconds: float) -> Ceiling:
    """The planner's, for slots of work and the limits that Redis tells."""
    if queue.concurrency_limit:
        slots = min(slots, int(queue.concurrency_limit))
    limit = RateLimit(1, 1 / queue.rate_limit_per_second) if queue.rate_limit_per_second else None
    return ceiling(Workload(Poisson(rate), Exponential(mean_seconds)), Fleet(slots, rate_limit=limit))


def slots_in_file(file: AskedFile | None, names: Sequence[str]) -> dict[str, Slots]:
    """What the user says of each queue: as it is today where the file tells that apart. A default says nothing."""
    if file is None:
        return {}
    said = {queue.name: queue for queue in (*file.queues, *file.today) if _says(queue)}
    found = {name: said.get(labels_of(name)["queue"]) for name in names}
    return {
        name: Slots("known", queue.question.fleet.slots, "said by the file")
        for name, queue in found.items()
        if queue is not None
    }


def _says(queue: AskedQueue) -> bool:
    return not any(default.startswith("concurrency") for default in queue.assumed)
