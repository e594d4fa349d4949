"""This file knows what each thing that `doctor` looks at means, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exporter.connection import rights
from exporter.keys import label
from exporter.notices import one_line
from exporter.sample.reading import Sample
from exporter.settings import TargetSettings
from exporter.snapshot import QueueSnapshot, ServerSnapshot

OLDEST_TRIED = (6, 2)
LOSSES_COUNTED_FROM = 7
"""XINFO STREAM tells entries-added from Redis 7 on."""
NEWEST_BULLMQ_TRIED = 6
QUEUES_LISTED = 20


# Words of redis-py, the server or OpenSSL in a reason, and what to do about it.
_PASSWORD = "give the right user and password: --redis-password-file, redis.username"
_REMEDIES = (
    ("WRONGPASS", _PASSWORD),
    ("invalid username-password", _PASSWORD),
    ("NOAUTH", "this Redis asks for a password: --redis-password-file, redis.username"),
    ("Authentication required", "this Redis asks for a password: --redis-password-file, redis.username"),
    ("password_file", "the file must be there and readable for this user"),
    ("LOADING", "Redis reads its data from disk; ask again when it is done"),
    ("MASTERDOWN", "this is a replica that lost its master; name the master"),
    ("CLUSTER", "is this a cluster whose slots are all served, and may this user send CLUSTER SLOTS?"),
    ("certificate", "name the authority that signed the server's certificate: redis.tls.ca_file"),
)
_OVER_TLS = (("Timeout", "does this port speak TLS? redis:// asks for none"),)
_WITHOUT_TLS = (
    ("Connection closed", "does this port want TLS? rediss:// asks for it"),
    ("Connection reset", "does this port want TLS? rediss:// asks for it"),
)


class Verdict(StrEnum):
    """How a finding is to be taken; `failed` makes the exit status 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    what: str
    advice: str = ""


def unreachable(reason: str) -> Finding:
    """Redis does not answer, with the remedy that the reason points to."""
    remedies = (*_REMEDIES, *(_OVER_TLS if reason.startswith("rediss://") else _WITHOUT_TLS))
    general = "is the address right, and may this user connect?"
    return Finding(
        Verdict.FAILED, reason, next((told for words, told in remedies if words in reason), general)
    )


def of_server(address: str, server: ServerSnapshot | None) -> Iterator[Finding]:
    """Version, role and memory of the server."""
    version = server.version if server is not None else None
    yield Finding(Verdict.OK, f"{address}: answers, server {version or 'unknown'}")
    if server is None:
        return
    yield from _version(version)
    if server.role == "slave":
        what = "this server is a replica: what it shows may be older than what its master holds"
        yield Finding(Verdict.WARNING, what, "name the master, or the Sentinels that know it")
    yield from _eviction(server)


def _version(version: str | None) -> Iterator[Finding]:
    numbers = [int(part) for part in (version or "").split(".")[:2] if part.isdigit()]
    if len(numbers) < 2:
        return
    if tuple(numbers) < OLDEST_TRIED:
        yield Finding(
            Verdict.WARNING, f"server {version} is older than any that was tried", "6.2 is the oldest"
        )
    elif numbers[0] < LOSSES_COUNTED_FROM:
        what = (
            f"server {version} can't tell how many events were lost: queue_events_gaps_total counts the gaps"
        )
        yield Finding(Verdict.OK, what)


def _eviction(server: ServerSnapshot) -> Iterator[Finding]:
    policy = server.eviction_policy
    if policy is None:
        return
    if policy == "noeviction":
        yield Finding(Verdict.OK, "eviction policy noeviction: Redis drops no job")
        return
    advice = "set maxmemory-policy to noeviction: BullMQ's documents ask for it"
    if server.memory_max_bytes is None:
        what = f"eviction policy {policy}: no danger while maxmemory is unlimited, as it is now"
        yield Finding(Verdict.WARNING, what, advice)
    else:
        what = f"eviction policy {policy}: Redis may drop jobs when memory is short"
        yield Finding(Verdict.FAILED, what, advice)


def of_rights(refused: dict[str, str], settings: TargetSettings) -> Iterator[Finding]:
    """Which commands this user may run, feature by feature."""
    lines = rights.explain(refused, settings)
    for feature in rights.wanted_features(settings):
        tried = rights.tried(feature, settings, refused)
        allowed = [command for command in tried if command not in refused]
        if allowed:
            yield Finding(Verdict.OK, f"rights for {feature.name}: {' '.join(allowed)}")
    yield from (Finding(Verdict.WARNING, line) for line in lines)
    if not lines:
        yield Finding(Verdict.OK, "all rights are there")


def of_connections(sample: Sample) -> Iterator[Finding]:
    """Whether workers can be told apart."""
    clients, unnamed = sample.redis.clients, sample.unnamed_workers
    if clients is None or unnamed is None:
        return
    workers = clients.roles["worker"]
    yield Finding(Verdict.OK, f"worker connections that carry the name of a queue or its prefix: {workers:,}")
    if unnamed:
        what = f"{unnamed:,} connections wait for jobs under no name: queue_workers leaves them out"
        advice = (
            "let the application's user run client|setname; connections of ioredis' Cluster are never named"
        )
        yield Finding(Verdict.WARNING, what, advice)


def of_queues(sample: Sample, settings: TargetSettings) -> Iterator[Finding]:
    """The queues with their libraries."""
    queues = sample.redis.queues
    for reason in sample.unreached:
        what = (
            f"a primary of the cluster can't be reached, so its queues are not looked at: {one_line(reason)}"
        )
        yield Finding(Verdict.FAILED, what, "is it up, and does the network let this host reach it?")
    if not queues and not sample.unreached:
        named = " and these names" if settings.queues else ""
        what = f"no queue found under {', '.join(settings.prefixes)}{named}"
        advice = "name the prefix with --prefix; ioredis' keyPrefix counts as one in Bull"
        yield Finding(Verdict.WARNING, what, advice)
    if not sample.redis.queues_complete and not settings.queues and not sample.unreached:
        yield Finding(
            Verdict.WARNING, "not every queue was looked for: the search did not end, or SCAN is refused"
        )
    newer = [queue for queue in queues if _is_newer(queue)]
    for queue in queues[:QUEUES_LISTED]:
        yield Finding(Verdict.OK, _queue(queue))
    if len(queues) > QUEUES_LISTED:
        yield Finding(Verdict.OK, f"{len(queues) - QUEUES_LISTED:,} queues more")
    for queue in newer:
        what = f"{_name(queue)}: bullmq {queue.version} is newer than any that was tried"
        yield Finding(
            Verdict.WARNING, what, "compare its numbers with the library's own before you rely on them"
        )
    yield from (Finding(Verdict.WARNING, f"not read: {one_line(error)}") for error in sample.errors)


def _queue(queue: QueueSnapshot) -> str:
    sources = {"bullmq": "event stream", "bull": "pub/sub: names and retries only in part"}
    source = sources.get(queue.library, "event stream, if it keeps one")
    version = f" {one_line(queue.version)}" if queue.version else ""
    return f"{_name(queue)}: {one_line(queue.library)}{version}, {source}"


def _is_newer(queue: QueueSnapshot) -> bool:
    major = queue.version.partition(".")[0]
    return queue.library == "bullmq" and major.isdecimal() and int(major) > NEWEST_BULLMQ_TRIED


def _name(queue: QueueSnapshot) -> str:
    return one_line(label(queue.name.base))
