"""Knows the claims and targets of the report that a file of queues is held against; a file may write its own."""

from typing import Annotated

from pydantic import Field

from planner.file.words import Positive, Seconds, Share, Words

Factor = Annotated[float, Field(gt=0, le=1000)]


class CacheWords(Words):
    """A cache whose entries expire: how long they live, how often a key is asked for, the hits wanted."""

    ttl: Seconds
    reads_per_hour: Positive | None = Field(None, description="reads of one key")
    target: Share = 0.85


class ClaimsWords(Words):
    """What the report promises; the defaults are its numbers."""

    mean_latency: Seconds = Field(0.5, description="average latency to stay below")
    throughput_gain: list[Factor] = Field([5.0, 10.0], min_length=2, max_length=2)
    pool_utilisation: list[Share] = Field([0.6, 0.8], min_length=2, max_length=2)
    processed: Share = Field(0.999, description="share of jobs that must not fail in the end")
    loads: list[Factor] = Field(
        [1.0, 2.0, 3.0], min_length=1, description="the load tried, times the given one"
    )
