"""Knows the file that users write: queues with their loads and fleets, pools, bounds, and what must hold."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Tag, model_validator

from planner.combinations import refuse_absent
from planner.errors import BadInput
from planner.file import defaults
from planner.file.arrival_words import AnyArrivals
from planner.file.bounds import BLOCKS, Levels, read_levels
from planner.file.budget_words import BudgetWords, KedaWords, PriceWords, RedisWords
from planner.file.bull_words import BullWords
from planner.file.claims import CacheWords, ClaimsWords
from planner.file.document import line_of, parsed
from planner.file.flows import joined
from planner.file.law_words import LAW_OR_TIME, AnyLaw, AnyService, ATime
from planner.file.pool_words import PoolWords, pools_of
from planner.file.reading import Question, checked, read_objective, read_question
from planner.file.words import Number, Positive, RateLimitWords, RetriesWords, Seconds, Share, Words
from planner.laws.named import IoThenCpu, Law
from planner.size.processes import ProcessLimits

Slots = Annotated[int, Number, Field(ge=1, le=100_000)]
Load = Annotated[float, Number, Field(gt=0, le=1e10, allow_inf_nan=False)]
_QUEUE_WORDS = (
    "service", "processes", "cores", "places", "acquire_timeout", "patience", "rate_limit", "retries",
    *BullWords.model_fields,
)  # fmt: skip
_LOAD = ("jobs_per_hour", "share", "arrivals")
_OF_JOBS = ("library", "priorities", "lifo", "delayed", "children", "stalls", "crashes")
_WORK = (*_LOAD, "service", "retries", "rate_limit", "objectives", *_OF_JOBS)


class QueueEntry(BullWords):
    """One queue as the report writes it, with its load; `priority` and `maxMemoryMB` change no number of slots."""

    name: Annotated[str, Field(min_length=1)]
    concurrency: Slots | None = Field(None, description="jobs that one worker does at a time")
    slots: Slots | None = Field(
        None, description="jobs at a time in all, in place of concurrency and workers"
    )
    workers: Slots = Field(1, description="worker processes")
    priority: bool | None = None
    maxMemoryMB: Positive | None = None  # noqa: N815 - the report's own word
    jobs_per_hour: Load | None = Field(None, description="Poisson, constant over the hour")
    share: Share | None = Field(None, description="part of the file's jobs_per_hour")
    arrivals: AnyArrivals | None = None
    service: Annotated[Annotated[AnyService, Tag("a law")] | ATime, LAW_OR_TIME] | None = Field(
        None, description="a law, or the mean of an exponential one"
    )
    processes: Slots | None = None
    cores: Positive | None = None
    places: Slots | None = None
    acquire_timeout: Seconds | None = None
    patience: AnyLaw | None = None
    rate_limit: RateLimitWords | None = None
    retries: RetriesWords | None = None
    objectives: dict[str, Any] | None = None
    cpu_time: Seconds | None = Field(None, description="seconds of a core that one attempt takes")
    memory_per_job_mb: Positive | None = Field(None, description="memory of a process for each job at work")
    max_concurrency: Slots | None = Field(None, description="most slots of one worker process")
    payload_bytes: Load | None = Field(None, description="mean size of a job's data in Redis")

    @model_validator(mode="after")
    def _one_of_each(self) -> "QueueEntry":
        loads = [word for word in _LOAD if getattr(self, word) is not None]
        if len(loads) > 1:
            raise ValueError(f"{self.name!r} has {' and '.join(loads)}; give one of them")
        if self.slots is not None and self.concurrency is not None:
            raise ValueError(f"{self.name!r} has slots and concurrency; give one of them")
        return self


class FileWords(Words):
    """The whole file. The queue, pool and threshold blocks of the report are valid as they stand."""

    queues: Annotated[list[QueueEntry], Field(min_length=1)]
    today: list[QueueEntry] | None = Field(None, description="the queues as they are now, for the report")
    jobs_per_hour: Load | None = Field(None, description="all queues together, split by their shares")
    objectives: dict[str, Any] | None = None
    pool: dict[str, Any] | None = Field(None, description="one pool, or one a purpose")
    budgets: BudgetWords = Field(
        BudgetWords(), description="the most that all queues together may use, for size"
    )
    prices: PriceWords = Field(PriceWords(), description="what things cost, for size")
    redis: RedisWords = Field(RedisWords(), description="what Redis has left for a backlog that grows")
    keda: KedaWords = Field(KedaWords(), description="where and how KEDA scales the workers, for size --keda")
    caches: dict[str, CacheWords] = Field({}, description="caches by name, for the report")
    claims: ClaimsWords = Field(ClaimsWords(), description="what the report holds the queues against")
    queue_processing_latency: dict[str, Any] | None = None
    queue_throughput: dict[str, Any] | None = None
    redis_connection_utilization: dict[str, Any] | None = None
    job_failure_rate: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AskedQueue:
    """One queue of the file, read; `assumed` names each default that was taken."""

    name: str
    question: Question
    objective: dict[str, Any]
    assumed: tuple[str, ...]
    memory_megabytes: float | None = None
    priority: bool | None = None
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    payload_bytes: float | None = None


@dataclass(frozen=True, slots=True)
class AskedFile:
    """The file, read. `today` holds the queues as they are now with the load of `queues`; empty where not told."""

    queues: tuple[AskedQueue, ...]
    today: tuple[AskedQueue, ...]
    pools: dict[str, PoolWords]
    levels: dict[str, Levels]
    caches: dict[str, CacheWords]
    claims: ClaimsWords
    budgets: BudgetWords
    prices: PriceWords
    keda: KedaWords
    redis: RedisWords


def read_file(path: Path) -> AskedFile:
    """The file at `path`. Raises BadInput: one line with the file, the line where there is one, and the field."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return read_document(str(path), text, parsed(str(path), text))


def read_document(path: str, text: str, document: Any) -> AskedFile:
    """The file whose `text` holds `document`, which may have been changed since. Raises BadInput."""
    whole = {"queues": document} if isinstance(document, list) else document
    if not isinstance(whole, dict):
        raise BadInput(f"{path}:1: no queues in it; begin with queues:")
    try:
        return _read(checked(FileWords, whole))
    except BadInput as error:
        steps = str(error) if whole is document else str(error).removeprefix("queues")
        raise BadInput(f"{path}{line_of(text, steps)}: {error}") from None


def _read(words: FileWords) -> AskedFile:
    given = {name: getattr(words, name) for name in BLOCKS}
    levels = {name: read_levels(name, block) for name, block in given.items() if block is not None}
    pools = {
        name: checked(PoolWords, pool, "pool" if name == "pool" else f"pool.{name}")
        for name, pool in (pools_of(words.pool) if words.pool is not None else {}).items()
    }
    queues = _read_queues(words.queues, words, levels, "queues")
    proposed = {entry.name: entry for entry in words.queues}
    today = [_with_work_of(proposed.get(entry.name), entry) for entry in words.today or ()]
    return AskedFile(
        queues, _read_queues(today, words, levels, "today"), pools, levels, words.caches, words.claims,
        words.budgets, words.prices, words.keda, words.redis,
    )  # fmt: skip


def _with_work_of(proposed: QueueEntry | None, entry: QueueEntry) -> QueueEntry:
    """`entry` with the load, the service and the objectives of the same queue as proposed, where it has none."""
    if proposed is None:
        return entry
    words = [*_WORK]
    if any(getattr(entry, word) is not None for word in _LOAD):
        words = [word for word in words if word not in _LOAD]
    update = {word: getattr(proposed, word) for word in words if getattr(entry, word) is None}
    return entry.model_copy(update=update)


def _read_queues(
    entries: list[QueueEntry], words: FileWords, levels: dict[str, Levels], where: str
) -> tuple[AskedQueue, ...]:
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"{where}: {twice!r} stands twice")
    read = [_read_queue(entry, words, levels, f"{where}[{place}]") for place, entry in enumerate(entries)]
    return joined(read, where)


def _read_queue(entry: QueueEntry, words: FileWords, levels: dict[str, Levels], where: str) -> AskedQueue:
    assumed: list[str] = []
    question: dict[str, Any] = {
        word: value for word in _QUEUE_WORDS if (value := getattr(entry, word)) is not None
    }
    question["arrivals"] = entry.arrivals or _poisson(entry, words, where, assumed)
    if entry.service is None or isinstance(entry.service, float):
        known = defaults.MIX.get(entry.name)
        mean = entry.service or (known.service_seconds if known else defaults.SERVICE_SECONDS)
        question["service"] = {"law": "exponential", "mean": mean}
        assumed.append(f"service: exponential with mean {mean:g} s")
    if entry.concurrency is None and entry.slots is None:
        assumed.append("concurrency: 1")
    question["slots"] = entry.slots or (entry.concurrency or 1) * entry.workers
    question["processes"] = entry.processes or entry.workers
    objective = _objective(entry, words, levels, assumed)
    bounds = read_objective(objective, f"{where}.objectives")
    memory = entry.maxMemoryMB * entry.workers if entry.maxMemoryMB else None
    asked = read_question(question, where)
    refuse_absent(asked.workload, bounds.figures, f"{where}.objectives")
    assumed += asked.assumed
    asked = replace(asked, fleet=replace(asked.fleet, cpu_seconds=entry.cpu_time))
    limits = _limits(entry, asked.workload.service, where)
    return AskedQueue(
        entry.name, asked, objective, tuple(assumed), memory, entry.priority, limits, entry.payload_bytes
    )


def _limits(entry: QueueEntry, service: Law | IoThenCpu, where: str) -> ProcessLimits:
    """What a process of the queue may hold."""
    computing = service.cpu.mean if isinstance(service, IoThenCpu) else None
    if computing is not None and entry.cpu_time is not None:
        raise BadInput(
            f"{where}.cpu_time: {entry.name!r} has the law of its CPU time in service; leave one out"
        )
    found = ProcessLimits(
        entry.processes or entry.workers, entry.max_concurrency, entry.maxMemoryMB, entry.memory_per_job_mb,
        entry.cpu_time or computing,
    )  # fmt: skip
    if found.most_slots == 0:
        raise BadInput(
            f"{where}.memory_per_job_mb: {entry.memory_per_job_mb:g} is above maxMemoryMB {entry.maxMemoryMB:g}; "
            "a process must hold one job"
        )
    return found


def _poisson(entry: QueueEntry, words: FileWords, where: str, assumed: list[str]) -> dict[str, Any]:
    """Poisson arrivals from the queue's own load, or its share of the file's."""
    jobs_per_hour = entry.jobs_per_hour
    if jobs_per_hour is None:
        known = defaults.MIX.get(entry.name)
        if entry.share is None and known is None:
            raise BadInput(
                f"{where}.jobs_per_hour: missing for {entry.name!r}; give it, or arrivals, or share"
            )
        share = known.share if entry.share is None and known else entry.share or 0.0
        total = words.jobs_per_hour or defaults.JOBS_PER_HOUR
        if share == 0.0:
            raise BadInput(f"{where}.share: 0 leaves {entry.name!r} without jobs; leave the queue out")
        jobs_per_hour = share * total
        if entry.share is None or words.jobs_per_hour is None:
            assumed.append(f"jobs_per_hour: {jobs_per_hour:,.0f} ({100 * share:.3g}% of all {total:,.0f})")
    assumed.append("arrivals: Poisson, constant over the hour")
    return {"process": "poisson", "per_second": jobs_per_hour / 3600}


def _objective(
    entry: QueueEntry, words: FileWords, levels: dict[str, Levels], assumed: list[str]
) -> dict[str, Any]:
    """What must hold for a queue: its own words, the file's, the latency warning of the thresholds, the default."""
    given = entry.objectives if entry.objectives is not None else words.objectives
    if given:
        return dict(given)
    latency = levels.get("queue_processing_latency")
    if latency is not None and latency.warning is not None:
        return {"p95_wait": latency.warning}
    assumed.append(f"objectives: p95_wait {defaults.OBJECTIVE['p95_wait']}")
    return dict(defaults.OBJECTIVE)


def with_slots(queue: AskedQueue, slots: int, processes: int | None = None) -> AskedQueue:
    """The same queue on another number of slots, and of processes where given."""
    fleet = queue.question.fleet
    places = max(fleet.places, slots) if fleet.places else None
    changed = replace(fleet, slots=slots, processes=processes or fleet.processes, places=places)
    return replace(queue, question=replace(queue.question, fleet=changed))
