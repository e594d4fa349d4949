"""This file knows every setting, its default and what values it may have."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, cast

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from exporter.groups import BY_NAME, OF_EVENTS, Choice, choice, known

DEFAULT_PORT = 10577
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800)
PAYLOAD_BUCKETS = (1024, 16384, 131072, 1048576, 8388608)

Positive = Annotated[int, Field(gt=0)]
BucketEdge = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, le=3600)]
GroupName = Annotated[str, AfterValidator(known), Field(json_schema_extra={"enum": list(BY_NAME)})]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TlsSettings(_Part):
    """TLS towards Redis; an empty block means TLS with the system's authorities."""

    ca_file: Path | None = Field(None, description="PEM file of the authorities that may sign the server")
    cert_file: Path | None = Field(None, description="PEM client certificate")
    key_file: Path | None = Field(None, description="PEM key of the client certificate")
    insecure_skip_verify: bool = Field(False, description="do not check the server's certificate")

    @model_validator(mode="after")
    def _both(self) -> "TlsSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self


class SentinelSettings(_Part):
    """Where to ask which server is the master now."""

    addresses: list[str] = Field(description="`host:port` of each Sentinel", min_length=1)
    master: str = Field(description="name of the master that the Sentinels watch")
    username: str | None = Field(None, description="ACL user of the Sentinels")
    password: SecretStr | None = Field(None, description="password of the Sentinels; better in a file")
    password_file: Path | None = Field(None, description="file that holds the Sentinels' password")


class RedisSettings(_Part):
    """How to reach one Redis: by `url`, or by parts, or through Sentinel; `cluster` for Redis Cluster."""

    url: SecretStr | None = Field(
        None, description="`redis://`, `rediss://` or `unix://` address; parts override it"
    )
    host: str | None = Field(None, description="host name or address")
    port: int | None = Field(None, ge=1, le=65535, description="TCP port")
    socket: Path | None = Field(None, description="path of a Unix socket")
    username: str | None = Field(None, description="ACL user")
    password: SecretStr | None = Field(None, description="password; better in `password_file`")
    password_file: Path | None = Field(
        None, description="file that holds the password; read again at each connect"
    )
    database: int | None = Field(None, ge=0, description="number of the database")
    tls: TlsSettings | None = Field(None, description="TLS towards Redis")
    sentinel: SentinelSettings | None = Field(None, description="ask Sentinels for the master")
    cluster: bool = Field(False, description="the address is a node of a Redis Cluster")
    connect_timeout_seconds: PositiveSeconds = Field(3.0, description="longest wait for a connection")
    timeout_seconds: PositiveSeconds = Field(10.0, description="longest wait for the answers of one scrape")

    @field_validator("url")
    @classmethod
    def _scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _one_way(self) -> "RedisSettings":
        if self.cluster and self.sentinel:
            raise ValueError("cluster and sentinel exclude each other")
        if self.cluster and self.database:
            raise ValueError("a cluster has database 0 only")
        return self


def _either_name(schema: JsonDict) -> None:
    """The schema knows a pool's maximum by both of its names, one of which must be there."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    same = {"title": "Maxconnections", "description": "the same by its name in Node's pools"}
    properties["maxConnections"] = {**cast(JsonDict, properties["maximum"]), **same}
    del schema["required"]
    schema["oneOf"] = [{"required": ["maximum"]}, {"required": ["maxConnections"]}]


class PoolSettings(_Part):
    """One pool of the user's own application; the other pool settings are accepted for the planner's sake."""

    model_config = ConfigDict(json_schema_extra=_either_name)

    maximum: Positive = Field(
        validation_alias=AliasChoices("maximum", "maxConnections"),
        description="most connections the pool may hold",
    )
    client_names: list[str] = Field(default_factory=list, description="globs over CLIENT SETNAME names")
    addresses: list[str] = Field(
        default_factory=list, description="globs over `ip:port`, or networks (`10.0.0.0/8`)"
    )
    users: list[str] = Field(default_factory=list, description="globs over ACL user names")
    min_connections: int | None = Field(None, validation_alias="minConnections", exclude=True)
    acquire_timeout_ms: int | None = Field(None, validation_alias="acquireTimeoutMs", exclude=True)
    idle_timeout_ms: int | None = Field(None, validation_alias="idleTimeoutMs", exclude=True)

    @field_validator("addresses")
    @classmethod
    def _networks(cls, addresses: list[str]) -> list[str]:
        for address in addresses:
            if "/" in address:
                ip_network(address, strict=False)
        return addresses

    @model_validator(mode="after")
    def _some_pattern(self) -> "PoolSettings":
        if not (self.client_names or self.addresses or self.users):
            raise ValueError("needs client_names, addresses or users to find its connections")
        return self


class CacheSettings(_Part):
    """One cache of the user's own application in the same Redis."""

    pattern: str = Field(description="glob over its keys, such as `job_result:*`", min_length=1)
    hits_key: str | None = Field(
        None, description="key that holds the number of hits, where the cache counts them"
    )
    misses_key: str | None = Field(None, description="key that holds the number of misses")


class TargetSettings(_Part):
    """One Redis database and what to watch in it."""

    name: str = Field("default", description="name for `/probe?target=NAME`", min_length=1)
    redis: RedisSettings = Field(default_factory=RedisSettings, description="how to reach it")
    prefixes: list[str] = Field(["bull"], min_length=1, description="key prefixes of the queues")
    queues: list[str] = Field(
        default_factory=list, description="names of the queues under each prefix; given, no SCAN is ever sent"
    )
    collect: list[GroupName] = Field(
        default_factory=list, description="groups of metrics to read; none named: all of them"
    )
    state_file: Path | None = Field(None, description="file that carries counters and places over a restart")
    buckets: list[BucketEdge] = Field(
        default_factory=list, description="further bucket edges of durations and waits, in seconds"
    )
    pools: dict[str, PoolSettings] = Field(
        default_factory=dict, description="the application's own connection pools"
    )
    caches: dict[str, CacheSettings] = Field(default_factory=dict, description="the application's own caches")
    job_types_max: Positive = Field(
        10, description="job types told apart per queue; further ones are `__other__`"
    )
    duration_series_max: Positive = Field(50_000, description="series of queue_job_duration_seconds in all")
    open_jobs_max: Positive = Field(
        250_000, description="jobs followed at once; the oldest beyond are forgotten"
    )
    payload_samples_per_second: int = Field(
        20, ge=0, description="payload sizes read a second in all; 0 for none"
    )
    scan_share: float = Field(0.01, gt=0, le=0.5, description="most of Redis' time that SCAN may take")

    @field_validator("prefixes", "queues")
    @classmethod
    def _not_empty(cls, names: list[str]) -> list[str]:
        if any(not name for name in names):
            raise ValueError("a name may not be empty")
        return list(dict.fromkeys(names))

    @property
    def groups(self) -> Choice:
        """The groups of metrics that are read at all."""
        return choice(self.collect)

    @property
    def follows_events(self) -> bool:
        return not self.groups.isdisjoint(OF_EVENTS)

    @property
    def duration_edges(self) -> tuple[float, ...]:
        """All bucket edges of durations and waits, ascending."""
        return tuple(sorted({float(edge) for edge in (*DURATION_BUCKETS, *self.buckets)}))


class Settings(TargetSettings):
    """The whole configuration: the target of `/metrics`, further ones for `/probe`, and how to serve."""

    targets: list[TargetSettings] = Field(
        default_factory=list, description="further targets, served by /probe"
    )
    listen: str = Field(f":{DEFAULT_PORT}", description="`host:port` to serve on")
    web_config_file: Path | None = Field(
        None, description="TLS and passwords, as other Prometheus exporters take them"
    )

    @model_validator(mode="after")
    def _unique(self) -> "Settings":
        names = [self.name, *(target.name for target in self.targets)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"targets: the name {twice[0]!r} is used twice (the target of /metrics has one too)"
            )
        return self
