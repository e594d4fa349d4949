"""Knows the file that users write: queues with their loads and fleets, and what must hold; and the defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from planner.durations import seconds
from planner.errors import BadInput
from planner.reading import Question, checked, read_objective, read_question
from planner.words import Count, Positive, Words

# The report's assumed mix (share of all jobs, mean service in seconds); the file's own words come first.
ASSUMED_SERVICE_SECONDS = {
    "email": 0.8,
    "notifications": 0.25,
    "external-api-coordination": 2.0,
    "reports": 20.0,
    "route-optimization": 12.0,
}
DEFAULT_SERVICE_SECONDS = 1.0
DEFAULT_OBJECTIVE = {"p95_wait": "750ms"}

# YAML takes `>85%` for the start of a block of text; the report writes its bounds so.
_BARE_BOUND = re.compile(r"^(\s*[\w-]+:[ ]+)([<>]=?[ ]*[0-9][^#\n]*?)([ ]*(?:#.*)?)$", re.MULTILINE)
_QUEUE_WORDS = ("arrivals", "service", "processes", "cores", "places", "acquire_timeout", "patience")


class QueueEntry(Words):
    """One queue as the report writes it, with its load; `priority` and `maxMemoryMB` change no number of slots."""

    name: Annotated[str, Field(min_length=1)]
    concurrency: Count | None = None
    workers: Count = 1
    priority: bool | None = None
    maxMemoryMB: Positive | None = None  # noqa: N815 - the report's own word
    jobs_per_hour: Positive | None = None
    arrivals: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    processes: Count | None = None
    cores: Positive | None = None
    places: Count | None = None
    acquire_timeout: float | str | None = None
    patience: dict[str, Any] | None = None
    rate_limit: dict[str, Any] | None = None
    retries: dict[str, Any] | None = None
    objectives: dict[str, Any] | None = None


class FileWords(Words):
    """The whole file. The pool and threshold blocks of the report are valid as they stand."""

    queues: Annotated[list[QueueEntry], Field(min_length=1)]
    objectives: dict[str, Any] | None = None
    pool: dict[str, Any] | None = None
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


def read_file(path: Path) -> list[AskedQueue]:
    """The queues of a file. Raises BadInput: one line with the file, the line where there is one, and the field."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        document = yaml.safe_load(_BARE_BOUND.sub(r"\1'\2'\3", text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise BadInput(f"{where}: not YAML: {getattr(error, 'problem', error)}") from None
    try:
        words: FileWords = checked(FileWords, document)
        names = [entry.name for entry in words.queues]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise BadInput(f"queues: {twice!r} stands twice")
        return [_read_queue(entry, words, f"queues[{place}]") for place, entry in enumerate(words.queues)]
    except BadInput as error:
        raise BadInput(f"{path}{_line_of(text, str(error))}: {error}") from None


def _read_queue(entry: QueueEntry, words: FileWords, where: str) -> AskedQueue:
    assumed: list[str] = []
    given = {word: getattr(entry, word) for word in (*_QUEUE_WORDS, "rate_limit", "retries")}
    question: dict[str, Any] = {word: value for word, value in given.items() if value is not None}
    question["arrivals"] = entry.arrivals or _poisson(entry, where)
    if entry.service is None:
        mean = ASSUMED_SERVICE_SECONDS.get(entry.name, DEFAULT_SERVICE_SECONDS)
        question["service"] = {"law": "exponential", "mean": mean}
        assumed.append(f"service: exponential with mean {mean:g} s")
    if entry.concurrency is None:
        assumed.append("concurrency: 1")
    question["slots"] = (entry.concurrency or 1) * entry.workers
    question["processes"] = entry.processes or entry.workers
    if entry.arrivals is None:
        assumed.append("arrivals: Poisson, constant over the hour")
    objective, from_default = _objective(entry, words)
    if from_default:
        assumed.append("objectives: p95_wait 750ms")
    read_objective(objective, f"{where}.objectives")
    return AskedQueue(entry.name, read_question(question, where), objective, tuple(assumed))


def _poisson(entry: QueueEntry, where: str) -> dict[str, Any]:
    if entry.jobs_per_hour is None:
        raise BadInput(f"{where}.jobs_per_hour: missing for {entry.name!r}; give it, or arrivals")
    return {"process": "poisson", "per_second": entry.jobs_per_hour / 3600}


def _objective(entry: QueueEntry, words: FileWords) -> tuple[dict[str, Any], bool]:
    """What must hold for a queue: its own words, the file's, the latency warning of the thresholds, the default."""
    given: Mapping[str, Any] | None = entry.objectives or words.objectives
    if given is not None:
        return dict(given), False
    if words.queue_processing_latency and "warning" in words.queue_processing_latency:
        bound = str(words.queue_processing_latency["warning"]).lstrip("<>= ")
        seconds(bound)
        return {"p95_wait": bound}, False
    return dict(DEFAULT_OBJECTIVE), True


def _line_of(text: str, message: str) -> str:
    """`:LINE` of the field that a message begins with, or of its nearest parent."""
    steps = re.findall(r"[\w-]+", message.partition(": ")[0])
    node = yaml.compose(_BARE_BOUND.sub(r"\1'\2'\3", text), Loader=yaml.SafeLoader)
    line = None
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            found = (node.value[int(step)], node.value[int(step)])
        else:
            found = None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return f":{line}" if line else ""
