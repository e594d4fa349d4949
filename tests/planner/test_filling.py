"""Knows that the time until Redis is full is what jobs of the real library take of its memory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from bullmq import Queue

from planner.cli import main
from planner.filling import JOB_BYTES
from tests.servers import Server

PAYLOAD_BYTES = 1000
OVERLOADED = "{name: q, slots: 1, jobs_per_hour: 7200, service: {law: exponential, mean: 1}"


def together(folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> tuple[dict, str]:
    """What `predict` says of a file as a whole, to programs and to people."""
    file = folder / "fleet.yaml"
    file.write_text(text)
    main(["predict", str(file), "--json"])
    values = json.loads(capsys.readouterr().out)["together"]
    main(["predict", str(file)])
    return values, capsys.readouterr().out


def test_jobs_of_the_real_library_take_the_memory_that_is_reckoned_with(redis_server: Server) -> None:
    async def add(count: int) -> None:
        queue = Queue("heavy", {"connection": redis_server.url})
        data, options = (
            {"p": "x" * PAYLOAD_BYTES},
            {"attempts": 3, "backoff": {"type": "exponential", "delay": 1000}},
        )
        await queue.addBulk([{"name": "send", "data": data, "opts": options} for _ in range(count)])
        await queue.close()

    client = redis_server.client()
    asyncio.run(add(100))
    before = client.info("memory")["used_memory"]
    asyncio.run(add(2000))
    taken = (client.info("memory")["used_memory"] - before) / 2000
    # The index of all keys doubles now and then; between two doublings it takes up to 50 bytes a job more or less.
    assert taken == pytest.approx(JOB_BYTES + PAYLOAD_BYTES, rel=0.15)


def test_a_backlog_that_grows_fills_redis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queue = f"queues: [{OVERLOADED}, payload_bytes: 398}}]\nredis: {{free_memory_mb: 3.6}}\n"
    values, said = together(tmp_path, capsys, queue)
    # 3,600 jobs an hour more than can be done, 1,048 bytes each: 3.6 MB are full after 1.0006 hours.
    assert values["redis_full_after_seconds"] == pytest.approx(3.6 * 2**20 / 1048)
    assert "Redis is full after 60 min" in said


def test_what_is_not_given_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values, said = together(tmp_path, capsys, f"queues: [{OVERLOADED}}}]\n")
    assert values["redis_full_after_seconds"] is None
    assert "give redis: {free_memory_mb: N}" in said
    values, said = together(tmp_path, capsys, f"queues: [{OVERLOADED}}}]\nredis: {{free_memory_mb: 100}}\n")
    assert values["payload_bytes_unknown"] == ["q"]
    assert "at the latest, without payloads: give payload_bytes of q" in said


def test_a_queue_that_keeps_up_never_fills_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calm = OVERLOADED.replace("slots: 1", "slots: 3")
    values, said = together(tmp_path, capsys, f"queues: [{calm}}}]\nredis: {{free_memory_mb: 100}}\n")
    assert values["redis_full_after_seconds"] is None
    assert "full" not in said
