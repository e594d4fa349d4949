"""This file knows which Redis commands each feature needs, and finds out which of them this user may run.

Every command is tried once per connection against a key that no queue uses; what is refused is left out from then
on, its metrics are absent, and one line says what to grant. Nothing here or elsewhere writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.connection.wire import ReplyError, Wire, pack
from exporter.groups import AGES, ALL, CACHES, CONNECTIONS, OF_EVENTS, PAYLOADS, REDIS, Choice, Group
from exporter.settings import TargetSettings


@dataclass(frozen=True, slots=True)
class Feature:
    """A group of commands that stands or falls together for the operator."""

    name: str
    commands: tuple[str, ...]
    gives: str
    """What is absent without them."""
    groups: Choice = ALL
    """It is of use where one of these groups of metrics is read."""


def _only(group: Group) -> Choice:
    return frozenset((group,))


FEATURES = (
    Feature(
        "counts", ("scan", "llen", "lindex", "zcard", "hgetall", "exists", "ping"), "queue_size and discovery"
    ),
    Feature("ages", ("lrange", "zrange", "zrangebyscore", "hmget"), "ages, next runs, active without a lock"),
    Feature("overdue", ("zcount",), "queue_delayed_overdue, queue_schedulers_overdue", _only(AGES)),
    Feature("limits", ("get", "pttl"), "queue_jobs_added_total, queue_rate_limited"),
    Feature(
        "library", ("type", "hget"), "telling libraries apart safely, names of jobs already waiting at start"
    ),
    Feature("events", ("xread", "xinfo|stream"), "durations, waits and outcomes of BullMQ", OF_EVENTS),
    Feature("bull events", ("psubscribe",), "durations, waits and outcomes of Bull 3 and 4", OF_EVENTS),
    Feature("clock", ("time",), "exact starting place and SCAN budget (else the exporter's own clock)"),
    Feature(
        "connections",
        ("client|list", "client|setname"),
        "workers and connections by role",
        _only(CONNECTIONS),
    ),
    Feature("server", ("info",), "memory, evictions, hits and misses, maxclients", _only(REDIS)),
    Feature("payloads", ("hstrlen",), "queue_job_payload_bytes", _only(PAYLOADS)),
    Feature("caches", ("ttl", "strlen"), "queue_cache_* (and the key pattern of each cache)", _only(CACHES)),
    Feature("databases", ("select",), "another database than 0"),
    Feature("cluster", ("cluster|slots",), "Redis Cluster"),
    Feature("maxclients", ("config|get",), "queue_redis_connections_max before Redis 6.2", _only(REDIS)),
)
LEAST = ("counts",)
FALLBACKS = {"hgetall": "hmget"}
"""Commands that are sent only where the better one is refused: flags of a queue are read whole then."""
OPTIONAL = ("caches", "databases", "cluster", "maxclients")

_OF_CACHES = ("ttl", "strlen")

_REFUSALS = (
    "NOPERM",
    "ERR unknown command",
    "ERR unknown subcommand",
    "ERR This instance",
    "ERR command not",
)

# How each command is tried: arguments after the probe key, or whole commands for those that take no key.
_PROBES: dict[str, tuple[str, ...]] = {
    "ping": ("PING",),
    "scan": ("SCAN", "0", "COUNT", "1"),
    "llen": ("LLEN", "{key}"),
    "lindex": ("LINDEX", "{key}", "0"),
    "zcard": ("ZCARD", "{key}"),
    "hgetall": ("HGETALL", "{key}"),
    "exists": ("EXISTS", "{key}"),
    "lrange": ("LRANGE", "{key}", "0", "0"),
    "zrange": ("ZRANGE", "{key}", "0", "0"),
    "zrangebyscore": ("ZRANGEBYSCORE", "{key}", "0", "0"),
    "hmget": ("HMGET", "{key}", "name"),
    "zcount": ("ZCOUNT", "{key}", "0", "0"),
    "get": ("GET", "{key}"),
    "pttl": ("PTTL", "{key}"),
    "type": ("TYPE", "{key}"),
    "hget": ("HGET", "{key}", "name"),
    "xread": ("XREAD", "COUNT", "1", "STREAMS", "{key}", "0"),
    "xinfo|stream": ("XINFO", "STREAM", "{key}"),
    "time": ("TIME",),
    "client|list": ("CLIENT", "LIST", "ID", "0"),
    "info": ("INFO", "clients"),
    "hstrlen": ("HSTRLEN", "{key}", "data"),
    "ttl": ("TTL", "{key}"),
    "strlen": ("STRLEN", "{key}"),
    "config|get": ("CONFIG", "GET", "maxclients"),
}


def acl_commands(features: Iterable[str]) -> tuple[str, ...]:
    """The `+command` words that the features need, for ACL SETUSER."""
    wanted = set(features)
    commands = [command for feature in FEATURES if feature.name in wanted for command in feature.commands]
    return tuple(f"+{command}" for command in commands if FALLBACKS.get(command) not in commands)


def refused(wire: Wire, settings: TargetSettings, deadline: float) -> dict[str, str]:
    """The commands that this user may not run on this server, with the server's words."""
    unused = {*FALLBACKS, *(() if _scans(settings) else ("scan",)), *(() if settings.caches else _OF_CACHES)}
    asked = _PROBES.keys() - unused - _useless(settings)
    found = _try(wire, settings, asked, deadline)
    fallbacks = {command for command, better in FALLBACKS.items() if better in found}
    return found | _try(wire, settings, fallbacks, deadline)


def _useless(settings: TargetSettings) -> set[str]:
    """Commands that only features use whose metrics these settings leave out."""
    used = [feature for feature in FEATURES if not settings.groups.isdisjoint(feature.groups)]
    return _PROBES.keys() - {command for feature in used for command in feature.commands}


def _try(wire: Wire, settings: TargetSettings, commands: set[str], deadline: float) -> dict[str, str]:
    # The relay folder of BullMQ 6 is the one place under a prefix where no queue can be.
    key = f"{settings.prefixes[0]}::bullgauge:probe"
    wanted = {command: words for command, words in _PROBES.items() if command in commands}
    requests = [pack(tuple(word.replace("{key}", key) for word in words)) for words in wanted.values()]
    replies = wire.exchange(b"".join(requests), len(requests), deadline) if requests else []
    return {
        command: str(reply)
        for command, reply in zip(wanted, replies, strict=True)
        if isinstance(reply, ReplyError) and is_refusal(reply)
    }


def is_refusal(error: ReplyError) -> bool:
    """Whether the command is not permitted, or not there; other errors say that the server can't answer now."""
    return str(error).startswith(_REFUSALS)


def _scans(settings: TargetSettings) -> bool:
    """Queues that are all named are looked for without a SCAN, ever; caches are counted by one."""
    return not settings.queues or bool(settings.caches)


def wanted_features(settings: TargetSettings) -> list[Feature]:
    """The features that these settings use."""
    unwanted = set(OPTIONAL) - ({"caches"} if settings.caches else set())
    return [f for f in FEATURES if f.name not in unwanted and not settings.groups.isdisjoint(f.groups)]


def tried(feature: Feature, settings: TargetSettings, refused: dict[str, str]) -> list[str]:
    """The commands of a feature that were tried beforehand; naming a connection is not among them."""
    left_out = set() if _scans(settings) else {"scan"}
    left_out |= {command for command, better in FALLBACKS.items() if better not in refused}
    return [c for c in feature.commands if c in {*_PROBES, "psubscribe"} - left_out]


def explain(commands: dict[str, str], settings: TargetSettings) -> list[str]:
    """One line for each feature that is short of rights and wanted."""
    lines = []
    for feature in wanted_features(settings):
        missing = [command for command in feature.commands if command in commands]
        if missing:
            grant = " ".join(f"+{command}" for command in missing)
            lines.append(
                f"Redis refuses {', '.join(missing)}: without it no {feature.gives}; grant {grant} to have it"
            )
    return lines
