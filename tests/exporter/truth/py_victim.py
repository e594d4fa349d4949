"""Knows a worker of the Python client that takes jobs, says so and never ends them; its parent kills it.

python -m tests.exporter.truth.py_victim REDIS_URL PREFIX QUEUE CONCURRENCY
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from bullmq import Worker


async def hold(job: Any, _token: str) -> None:
    taken = {
        "job_id": job.id,
        "job_type": job.name,
        "fetched": job.processedOn / 1000,
        "started": time.time(),
    }
    print(json.dumps(taken), flush=True)
    await asyncio.Event().wait()


async def main(url: str, prefix: str, queue: str, concurrency: str) -> None:
    options = {
        "connection": url,
        "prefix": prefix,
        "concurrency": int(concurrency),
        "autorun": False,
        "lockDuration": 1200,
        "stalledInterval": 500,
    }
    await Worker(queue, hold, options).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
