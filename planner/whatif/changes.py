"""Knows how a file of queues is when something changes: load, workers, where traffic goes, a cache in front."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from planner.errors import BadInput
from planner.exact import cache
from planner.file.queue_file import AskedFile, AskedQueue
from planner.laws.scaling import faster, thinned
from planner.whatif.batch_loads import batched

Row = dict[str, Any]
# What is told of a queue beside its prediction, made from the prediction.
Facts = Callable[[Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Changed:
    """A file, and by queue what is told beside its prediction."""

    file: AskedFile
    facts: Mapping[str, tuple[Facts, ...]] = field(default_factory=dict)

    def told(self, name: str, facts: Facts) -> "Changed":
        return replace(self, facts={**self.facts, name: (*self.facts.get(name, ()), facts)})


def _always(**facts: float) -> Facts:
    return lambda _: dict(facts)


def multiplied(file: AskedFile, load: float) -> AskedFile:
    """The file with `load` times the arrivals in every queue."""
    return replace(
        file,
        queues=tuple(times(queue, load) for queue in file.queues),
        today=tuple(times(queue, load) for queue in file.today),
    )


def times(queue: AskedQueue, load: float) -> AskedQueue:
    """The queue with `load` times the arrivals."""
    return queue if load == 1.0 else _with_arrivals(queue, faster(queue.question.workload.arrivals, load))


def _with_arrivals(queue: AskedQueue, arrivals: Any) -> AskedQueue:
    workload = replace(queue.question.workload, arrivals=arrivals)
    return replace(queue, question=replace(queue.question, workload=workload))


def without_workers(changed: Changed, lost: int) -> Changed:
    """Every queue with `lost` worker processes fewer; those who have none left are told so by their facts."""
    for queue in changed.file.queues:
        changed = _without_workers(changed, queue, lost)
    return changed


def _without_workers(changed: Changed, queue: AskedQueue, lost: int) -> Changed:
    fleet = queue.question.fleet
    if lost == 0:
        return changed
    left = max(0, fleet.processes - lost)
    # The larger ones go first: slots are spread as evenly as they can be.
    share, extra = divmod(fleet.slots, fleet.processes)
    gone = share * min(lost, fleet.processes) + min(lost, extra)
    if left == 0 or gone == fleet.slots:
        return changed.told(queue.name, _nobody_left)
    smaller = replace(fleet, slots=fleet.slots - gone, processes=left)
    asked = replace(queue, question=replace(queue.question, fleet=smaller))
    busy = min(1.0, queue.question.workload.offered_load / fleet.slots) * gone
    return _with_queue(changed, asked).told(queue.name, _always(jobs_run_again=busy))


def _nobody_left(row: Row) -> dict[str, Any]:
    """Without a worker nothing is done: what was predicted for the queue is taken back."""
    waits = dict.fromkeys(row["wait_seconds"])
    return {
        "slots": 0,
        "utilisation": 1.0,
        "wait_seconds": waits,
        "sojourn_seconds": dict.fromkeys(row["sojourn_seconds"]),
        "wait_half_width_95": waits,
        "ceiling_per_hour": 0.0,
        "ceiling_set_by": "no worker is left",
        "stable": False,
        "backlog_per_hour": row["jobs_per_hour"],
        "method": "no worker is left: every job that comes stays",
    }


def moved(changed: Changed, share: float) -> Changed:
    """`share` of the traffic goes to `queues` (the new fleet), the rest stays with the queue of that name in `today`.

    A queue that stands in one of the two only keeps all of its traffic.
    """
    file = changed.file
    if not file.today:
        raise BadInput("--moved: the file has no today:, the fleet that traffic is moved from")
    both = {queue.name for queue in file.queues} & {queue.name for queue in file.today}
    new = [_part(queue, share if queue.name in both else 1.0) for queue in file.queues]
    old = [_part(queue, 1.0 - share if queue.name in both else 1.0, " (today)") for queue in file.today]
    return replace(changed, file=replace(file, queues=tuple(queue for queue in (*new, *old) if queue)))


def _part(queue: AskedQueue, share: float, suffix: str = "") -> AskedQueue | None:
    """None for no traffic."""
    if share == 0.0:
        return None
    part = _with_arrivals(queue, thinned(queue.question.workload.arrivals, share))
    return replace(part, name=queue.name + suffix)


def cached(changed: Changed, name: str, ttl_seconds: float, keys: int) -> Changed:
    """Jobs of one queue answered from a cache by key, where each key's entry lives `ttl_seconds` from its storing."""
    queue = named(changed.file, name, "--cache")
    rate = queue.question.workload.arrivals.per_second
    shares = cache.zipf(keys)
    hits = cache.hit_ratio_of_many(rate, shares, ttl_seconds)
    alive = float(sum(cache.hit_ratio(rate * share, ttl_seconds) for share in shares))
    less = _with_arrivals(queue, thinned(queue.question.workload.arrivals, 1.0 - hits))
    return _with_queue(changed, less).told(name, _always(hit_ratio=hits, cache_entries=alive))


def gathered(changed: Changed, name: str, items: int, fixed_seconds: float) -> Changed:
    """Jobs of one queue gathered into batches of `items`."""
    queue = named(changed.file, name, "--batch")
    found = batched(queue.question.workload, items, fixed_seconds, f"--batch {name}")
    question = replace(queue.question, workload=found.workload)

    def facts(row: Row) -> dict[str, Any]:
        sojourn = row["sojourn_seconds"]["mean"]
        return {
            "batch_items": items,
            "fill_seconds": found.fill_seconds,
            "item_seconds": None if sojourn is None else found.fill_seconds + sojourn,
            "items_per_hour": row["jobs_per_hour"] * items,
            "items_per_hour_at_most": row["ceiling_per_hour"] * items,
        }

    return _with_queue(changed, replace(queue, question=question)).told(name, facts)


def compressed(changed: Changed, name: str, ratio: float, payload_bytes: float | None) -> Changed:
    """Payloads of one queue at `ratio` of their size (that of the file where none is given): what of them lies in
    Redis, and what goes to it and back.
    """
    queue = named(changed.file, name, "--compressed")
    told = payload_bytes or queue.payload_bytes
    if told is None:
        raise BadInput(
            f"--compressed {name}: say with --payload BYTES, or payload_bytes of the queue, how large a job's data is"
        )
    size = ratio * told

    def facts(row: Row) -> dict[str, Any]:
        sojourn = row["sojourn_seconds"]["mean"]
        a_second = row["jobs_per_hour"] / 3600
        return {
            "payload_bytes": size,
            # Little's law; a job's data is written once and read once an attempt.
            "payload_bytes_in_redis": None if sojourn is None else a_second * sojourn * size,
            "payload_bytes_per_second": (a_second + row["attempts_per_hour"] / 3600) * size,
        }

    return changed.told(name, facts)


def named(file: AskedFile, name: str, option: str) -> AskedQueue:
    """The queue of this name. Raises BadInput."""
    for queue in file.queues:
        if queue.name == name:
            return queue
    names = ", ".join(queue.name for queue in file.queues)
    raise BadInput(f"{option} {name}: no queue {name!r}; there are {names}")


def _with_queue(changed: Changed, asked: AskedQueue) -> Changed:
    queues = tuple(asked if queue.name == asked.name else queue for queue in changed.file.queues)
    return replace(changed, file=replace(changed.file, queues=queues))
