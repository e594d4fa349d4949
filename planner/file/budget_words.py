"""Knows the words for what a whole fleet may use: budgets, prices, and where it is scaled."""

from typing import Annotated

from pydantic import Field

from planner.file.words import Positive, Seconds, Words

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class BudgetWords(Words):
    """The most that all queues together may use; what is not given is not limited."""

    memory_mb: Positive | None = Field(None, description="memory of all processes, MB")
    cpu_cores: Positive | None = Field(None, description="cores kept busy on average")
    connections: Positive | None = Field(None, description="connections to Redis that the workers open")
    money: Positive | None = Field(None, description="in the unit and for the time of the prices")


class RedisWords(Words):
    """What the Redis that holds the queues has left."""

    free_memory_mb: Positive | None = Field(
        None, description="memory until `maxmemory`, or until the machine's is gone"
    )


class PriceWords(Words):
    """What things cost, in the unit of `budgets.money`."""

    process: Price = Field(0.0, description="one worker process")
    memory_gb: Price = Field(0.0, description="1024 MB of memory")
    cpu_core: Price = Field(0.0, description="one busy core")
    connection: Price = Field(0.0, description="one connection to Redis")


class KedaWords(Words):
    """Where and how KEDA scales the workers."""

    prometheus: str = Field(
        "http://prometheus-operated:9090", min_length=1, description="address of the Prometheus server"
    )
    deployment: str = Field(
        "{queue}-worker", min_length=1, description="name of the Deployment; {queue} stands for the queue"
    )
    namespace: str | None = Field(None, description="namespace of the Deployments")
    job: str = Field("bullgauge", min_length=1, description="job label of the exporter's metrics")
    prefix: str = Field("bull", min_length=1, description="key prefix of the queues")
    timezone: str = Field("UTC", min_length=1, description="in which a period begins at midnight")
    growth: Annotated[float, Field(ge=1, le=1000)] = Field(
        3.0, description="replicas go up to what this times the load needs"
    )
    drain: Seconds = Field(300.0, description="a backlog is to be gone after this time")
