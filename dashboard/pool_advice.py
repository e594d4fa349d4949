"""This file knows what the planner says of the file's pools under the load of now, and of Bull's own connections."""

import pandas as pd

from dashboard.page import Page
from dashboard.queue_now import QueueNow
from planner.pool import PoolAnswer, answer, bull_connections

COLUMNS = ["Pool", "Size", "Predicted use", "Needed", "Right use for its size", "Timeouts /h", "Assumed"]


def pool_advice(page: Page, queues: list[QueueNow]) -> pd.DataFrame:
    """A row for each pool of the file; none without a file, or while no attempt is counted."""
    rate = attempts_per_second(queues)
    if page.file is None or rate is None:
        return pd.DataFrame(columns=COLUMNS)
    return pd.DataFrame(
        [_row(answer(name, pool, rate)) for name, pool in page.file.pools.items()], columns=COLUMNS
    )


def attempts_per_second(queues: list[QueueNow]) -> float | None:
    """Of all queues together."""
    known = [queue.attempts / queue.seconds for queue in queues if queue.attempts is not None]
    return sum(known) if known and sum(known) > 0 else None


def _row(found: PoolAnswer) -> tuple[object, ...]:
    timeouts = found.timeouts_per_hour
    return (
        found.name,
        found.connections,
        found.utilisation,
        found.connections_needed,
        found.right_utilisation,
        None if timeouts is None else round(timeouts, 3),
        "; ".join(found.assumed),
    )


def own_connections(page: Page) -> str:
    """What the libraries open beside any pool, for the file's queues and processes; empty without a file."""
    if page.file is None:
        return ""
    found = bull_connections(page.file.queues)
    return (
        f"Beside any pool, the workers of the file's {found.queues} queues open {found.shared} connections with BullMQ "
        f"and a shared one a process, {found.unshared} by its defaults, {found.bull} with Bull 3 and 4."
    )
