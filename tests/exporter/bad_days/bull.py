"""Knows how to publish what Bull publishes, and which connections of the exporter listen."""

from __future__ import annotations

import json

import redis


class Speaker:
    """A Bull queue that tells of jobs, each with a start and an end."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client = client
        self._base = f"bull:{name}"
        self._said = 0
        client.set(f"{self._base}:id", 1)

    def say(self, jobs: int) -> None:
        for _ in range(jobs):
            self._said += 1
            self._client.publish(f"{self._base}:active@t", str(self._said))
            self._client.publish(f"{self._base}:completed", json.dumps({"jobId": str(self._said)}))


def connection(client: redis.Redis, purpose: str) -> str | None:
    """The id of the exporter's connection for a purpose."""
    return next((c["id"] for c in client.client_list() if c["name"] == f"bullgauge:{purpose}"), None)
