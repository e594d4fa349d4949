"""This file knows every key of the configuration file, its default and what values it may have."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from alerts.alertmanager.receivers import Receiver
from alerts.wellformed import LabelName, Objective, Open, OpenWeb, Promql, Span, Team, Version, Weekdays, Zone
from exporter.settings import DURATION_BUCKETS


def _as_text(value: Any) -> Any:
    """YAML reads `1000` as a number and `off` as false; both are bounds here."""
    if value is False:
        return "off"
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


BoundText = Annotated[str, BeforeValidator(_as_text)]
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED = {
    "alertname",
    "alertstate",
    "job",
    "severity",
    "queue",
    "prefix",
    "bound",
    "team",
    "window",
    "instance",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bounds(_Part):
    """Bounds of one signal, with their units; `off` switches one off. `target` is shown and alarms nobody.

    One bound alone leaves the other out; a target alone leaves both as they are.
    """

    warning: BoundText | None = Field(None, description="bound of the warning, such as `750ms` or `>85%`")
    critical: BoundText | None = Field(None, description="bound of the critical alert")
    target: BoundText | None = Field(None, description="what is aimed at, such as `60-80%`; shown only")

    @property
    def bounded(self) -> bool:
        return self.warning is not None or self.critical is not None


def _bounds(value: Any) -> Any:
    """`off` for a whole signal is `off` for both severities."""
    return {"warning": "off", "critical": "off"} if value is False or value == "off" else value


SignalBounds = Annotated[Bounds, BeforeValidator(_bounds)]


class _Signals(_Part):
    """The signals that may be given for all queues, or for some of them in an override."""

    queue_processing_latency: SignalBounds | None = None
    queue_throughput: SignalBounds | None = None
    job_failure_rate: SignalBounds | None = None
    job_duration: SignalBounds | None = None
    oldest_waiting_job: SignalBounds | None = None
    drain_time: SignalBounds | None = None
    dead_letters: SignalBounds | None = None
    retry_rate: SignalBounds | None = None


class _Which(_Part):
    queue: str | None = Field(None, description="name of one queue", min_length=1)
    pattern: str | None = Field(
        None, description="regular expression (RE2) over whole queue names", min_length=1
    )

    @model_validator(mode="after")
    def _one(self) -> "_Which":
        if (self.queue is None) == (self.pattern is None):
            raise ValueError("needs either queue or pattern")
        return self


class Override(_Which, _Signals):
    """Other bounds for a queue or for all queues that a pattern matches. A name goes before a pattern."""


class Owner(_Which):
    """The team that is woken for a queue, or for the queues that a pattern matches."""

    team: Team = Field(description="value of the label `team`")


class Queue(_Part):
    """A queue as the application configures it; `priority: true` makes its backlog a critical one."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = Field(min_length=1)
    priority: bool = False


class Route(_Part):
    """Who gets what: receivers by severity for a team, or for all that no other route names."""

    team: Team | None = Field(None, description="alerts of this team; absent: all others")
    critical: str | None = Field(None, description="receiver of critical alerts")
    warning: str | None = Field(None, description="receiver of warnings")


class QuietHours(_Part):
    """When warnings wait until morning. Critical alerts never do."""

    times: list[Span] = Field(min_length=1, description="`HH:MM-HH:MM`, over midnight too")
    weekdays: list[Weekdays] = Field(
        default_factory=list, description="such as `saturday` or `monday:friday`"
    )
    location: Zone = Field("UTC", description="time zone, such as `Europe/Berlin`")


class Guards(_Part):
    """Each keeps a rule from firing without reason; switch one off at your own risk."""

    enough_work: bool = Field(True, description="low throughput needs work waiting, and enough of it")
    held_queues: bool = Field(
        True, description="leave out queues that are or were paused, limited, without workers"
    )
    few_jobs: bool = Field(True, description="a rate needs several jobs before it counts")
    coverage: bool = Field(True, description="a window counts only when most of it was seen")
    hold_while_blind: bool = Field(True, description="an alert holds while the exporter or Redis is away")


class Addresses(_Part):
    """Where runbooks and dashboards are found; the links in each alert begin with these."""

    runbooks: Open = Field("runbooks", description="address of the folder that holds the runbooks")
    grafana: OpenWeb = Field("", description="address of Grafana, such as https://grafana.example.com")


class Figures(_Part):
    """PromQL for what the exporter can't see; each must give one series per queue or fleet."""

    worker_memory_bytes: Promql | None = None
    worker_cpu_cores: Promql | None = None


OLDEST = {"prometheus": "2.42", "alertmanager": "0.25"}
"""The versions that the tests run. `keep_firing_for` came with Prometheus 2.42."""


class Targets(_Part):
    """The versions that the files are written for."""

    alertmanager: Version = Field(OLDEST["alertmanager"], pattern=r"^\d+\.\d+(\.\d+)?$")
    prometheus: Version = Field(OLDEST["prometheus"], pattern=r"^\d+\.\d+(\.\d+)?$")

    @field_validator("alertmanager", "prometheus")
    @classmethod
    def _new_enough(cls, version: str, info: ValidationInfo) -> str:
        oldest = OLDEST[str(info.field_name)]
        if numbers(version) < numbers(oldest):
            raise ValueError(f"{version} is too old: these files need {info.field_name} {oldest} or newer")
        return version


def numbers(version: str) -> tuple[int, ...]:
    """A version in a form in which the newer one is the greater."""
    return tuple(int(part) for part in version.split("."))


class Config(_Signals):
    """The whole configuration. Every key is optional."""

    redis_connection_utilization: SignalBounds | None = None
    redis_memory_utilization: SignalBounds | None = None
    cache_hit_rate: SignalBounds | None = None
    overrides: list[Override] = Field(default_factory=list)
    queues: list[Queue] = Field(default_factory=list)
    objective: Objective = Field("99.9%", description="share of jobs that must not fail, over 30 days")
    page_on_burn: bool = Field(False, description="fast burn of the error budget is critical, not a warning")
    alerts: dict[str, bool] = Field(default_factory=dict, description="`BullJobsStalled: off` leaves one out")
    severities: dict[str, Literal["warning", "critical"]] = Field(
        default_factory=dict, description="another severity for an alert that has only one"
    )
    owners: list[Owner] = Field(default_factory=list)
    team: Team | None = Field(None, description="team of every alert that no owner claims")
    receivers: dict[str, Receiver] = Field(default_factory=dict)
    routes: list[Route] = Field(default_factory=list)
    watchdog: str | None = Field(None, description="receiver of the watchdog, a dead man's switch")
    quiet_hours: QuietHours | None = None
    labels: dict[str, str] = Field(default_factory=dict, description="further labels of every alert")
    addresses: Addresses = Field(default_factory=Addresses)
    guards: Guards = Field(default_factory=Guards)
    figures: Figures = Field(default_factory=Figures)
    profile: Literal["bullgauge", "bullmq"] = Field(
        "bullgauge", description="whose metrics: bullgauge's, or those of BullMQ's exportPrometheusMetrics()"
    )
    job: str = Field("bullgauge", description="value of the label `job` of the scrape", min_length=1)
    replica_labels: list[LabelName] = Field(
        ["instance", "pod"], min_length=1, description="labels that tell exporters of one Redis apart"
    )
    redis_labels: list[LabelName] = Field(
        ["job", "namespace", "service", "cluster", "region", "env", "redis"],
        min_length=1,
        description="labels that tell two Redis servers apart",
    )
    buckets: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=list, description="further edges that the exporter was given by --bucket"
    )
    targets: Targets = Field(default_factory=Targets)
    speed: float = Field(
        1, gt=0, le=60, description="for a drill: every window is shorter by this factor; never in production"
    )

    @field_validator("labels")
    @classmethod
    def _label_names(cls, labels: dict[str, str]) -> dict[str, str]:
        for name, value in labels.items():
            if not _LABEL.fullmatch(name) or name in _RESERVED:
                raise ValueError(f"{name!r} is no label that can be added")
            if "{{" in value:
                raise ValueError(f"{name}: a template in a label would make a new alert at each change")
        return labels

    @property
    def duration_edges(self) -> tuple[float, ...]:
        return tuple(sorted({float(edge) for edge in (*DURATION_BUCKETS, *self.buckets)}))
