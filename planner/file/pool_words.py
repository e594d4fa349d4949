"""Knows the words of a connection pool, as Node applications spell them."""

from typing import Any

from pydantic import Field, model_validator

from planner.file import defaults
from planner.file.words import Count, Positive, Seconds, Words


class PoolWords(Words):
    """One pool: its bounds and timeouts, and how its connections are used."""

    maxConnections: Count = Field(description="most connections")  # noqa: N815 - as in the application
    minConnections: int | None = Field(None, ge=0, description="connections kept open")  # noqa: N815
    acquireTimeoutMs: Positive | None = Field(None, description="ms a caller waits for one")  # noqa: N815
    idleTimeoutMs: Positive | None = Field(None, description="ms until an idle one closes")  # noqa: N815
    commands_per_job: Positive = Field(
        defaults.COMMANDS_PER_JOB, description="commands a job sends through it"
    )
    command_time: Seconds = Field(
        defaults.COMMAND_SECONDS, description="how long a command holds a connection"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "PoolWords":
        if self.minConnections is not None and self.minConnections > self.maxConnections:
            raise ValueError(
                f"minConnections {self.minConnections} is above maxConnections {self.maxConnections}"
            )
        return self


def pools_of(given: dict[str, Any]) -> dict[str, Any]:
    """The pools by name: a `pool:` block is one pool, or one a purpose."""
    several = given and all(isinstance(value, dict) for value in given.values())
    return given if several else {"pool": given}
