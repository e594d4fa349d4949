"""Uses the Python client of BullMQ for real and notes the truth, as tests/node/workload.mjs does for others.

python -m tests.exporter.truth.py_workload REDIS_URL PREFIX QUEUE SCENARIO[,SCENARIO]|all SEED
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from tests.exporter.truth.py_queue import Answers, NotedQueue, note
from tests.exporter.truth.py_scenarios import SCENARIOS

# With more side by side, waiting for the event loop would be measured.
LANES = 3


async def main(url: str, prefix: str, queue_name: str, wanted: str, seed: str = "1") -> None:
    answers = Answers()
    answers.follow()
    options = {"connection": url, "prefix": prefix}
    names = list(SCENARIOS) if wanted == "all" else wanted.split(",")
    left = list(names)

    async def lane() -> None:
        while left:
            name = left.pop(0)
            queue = NotedQueue(f"{queue_name}-{name}", options, answers)
            note("scenario", queue=queue.name, scenario=name)
            await SCENARIOS[name](queue, random.Random(f"{seed} {name}"))

    await asyncio.gather(*(lane() for _ in range(LANES)))
    note("done")
    os._exit(0)  # workers wait for their next job; what they noted is written


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
