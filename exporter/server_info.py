"""This file knows what INFO says about the server itself, and which fields only some versions have."""

from exporter.snapshot import ServerSnapshot


def parse(info: bytes) -> dict[str, str]:
    """`INFO` as field → value."""
    fields = {}
    for line in info.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields[name] = value
    return fields


def snapshot(info: bytes, clients_max: int | None = None) -> ServerSnapshot:
    """One server's figures; a field that this server does not have is None.

    `clients_max` is `CONFIG GET maxclients`, for servers whose INFO lacks it (before Redis 6.2).
    """
    fields = parse(info)
    memory_max = _integer(fields, "maxmemory")
    return ServerSnapshot(
        clients=_integer(fields, "connected_clients"),
        clients_max=_integer(fields, "maxclients") or clients_max or None,
        memory_bytes=_integer(fields, "used_memory"),
        memory_max_bytes=memory_max or None,
        evicted_keys=_integer(fields, "evicted_keys"),
        rejected_connections=_integer(fields, "rejected_connections"),
        keyspace_hits=_integer(fields, "keyspace_hits"),
        keyspace_misses=_integer(fields, "keyspace_misses"),
        commands=_integer(fields, "total_commands_processed"),
        cpu_seconds=_cpu_seconds(fields),
        eviction_policy=fields.get("maxmemory_policy"),
        role=fields.get("role"),
        version=fields.get("valkey_version") or fields.get("redis_version"),
    )


def merge(parts: list[ServerSnapshot]) -> ServerSnapshot:
    """The primaries of a cluster as one: sums, None where any of them could not tell; policies only if equal."""

    def total(name: str) -> int | None:
        values = [getattr(part, name) for part in parts]
        return None if not values or None in values else sum(values)

    def same(name: str) -> str | None:
        values = {getattr(part, name) for part in parts}
        return values.pop() if len(values) == 1 else None

    cpu = [part.cpu_seconds for part in parts if part.cpu_seconds is not None]
    return ServerSnapshot(
        clients=total("clients"),
        clients_max=total("clients_max"),
        memory_bytes=total("memory_bytes"),
        memory_max_bytes=total("memory_max_bytes"),
        evicted_keys=total("evicted_keys"),
        rejected_connections=total("rejected_connections"),
        keyspace_hits=total("keyspace_hits"),
        keyspace_misses=total("keyspace_misses"),
        commands=total("commands"),
        cpu_seconds=sum(cpu) if cpu and len(cpu) == len(parts) else None,
        eviction_policy=same("eviction_policy"),
        role=same("role"),
        version=same("version"),
    )


def _integer(fields: dict[str, str], name: str) -> int | None:
    try:
        return int(fields[name])
    except (KeyError, ValueError):
        return None


def _cpu_seconds(fields: dict[str, str]) -> float | None:
    try:
        return float(fields["used_cpu_sys"]) + float(fields["used_cpu_user"])
    except (KeyError, ValueError):
        return None
