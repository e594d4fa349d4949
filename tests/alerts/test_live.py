"""The drill: real Redis, jobs, exporter, Prometheus and Alertmanager; who is told what when. A minute is a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.drill import Drill, ends, fires
from tests.alerts.shop import Shop

LATE, LOW, FAIL = "BullLatencyHigh", "BullThroughputLow", "BullFailureRateHigh"
BURN, FULL = "BullErrorBudgetBurn", "BullWorkersSaturated"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    site = Shop(tmp_path)
    yield site
    site.close()


@pytest.fixture
def drill(tmp_path: Path, shop: Shop) -> Iterator[Drill]:
    running = Drill(tmp_path, shop.exporter_address)
    yield running
    print("\n".join(running.table))
    running.close()


@pytest.mark.slow
def test_every_message_comes_once_in_its_time_and_no_other(drill: Drill, shop: Shop) -> None:
    story(drill, shop)


def story(drill: Drill, shop: Shop) -> None:
    """A night and some bad days."""
    for queue in ("email", "reports"):
        shop.start_worker(queue)
    shop.add("email", every_ms=1000, work_ms=5)
    shop.add("reports", every_ms=2000, work_ms=5)
    drill.quiet("a quiet night", 60)
    _failures_and_a_dead_exporter(drill, shop)
    _dead_workers(drill, shop)
    _dead_redis(drill, shop)
    _new_queue(drill, shop)
    _overload(drill, shop)
    drill.quiet("all is well", 30)
    drill.heard_all_the_time()


def _failures_and_a_dead_exporter(drill: Drill, shop: Shop) -> None:
    shop.add("reports", every_ms=250, work_ms=5, fail=0.2)
    burns = fires(35, BURN, "reports 1h", "warning")
    drill.expect("a fifth of reports fails", fires(40, FAIL, "reports"), burns)
    shop.kill_exporter()
    drill.expect("the exporter dies", fires(10, "BullExporterDown"))
    drill.quiet("the exporter is dead, and nobody says that reports are well", 30)
    shop.add("reports", every_ms=250, work_ms=5)
    shop.start_exporter()
    drill.expect(
        "the exporter is back, and reports are well",
        ends(15, "BullExporterDown"),
        ends(60, FAIL, "reports"),
        ends(60, BURN, "reports 1h", "warning"),
    )


def _dead_workers(drill: Drill, shop: Shop) -> None:
    shop.kill_worker("email")
    drill.expect("the workers of email die", fires(10, "BullNoWorkers", "email"))
    drill.quiet("and that is all that there is to say", 10)
    shop.start_worker("email")
    drill.expect("new workers", ends(15, "BullNoWorkers", "email"))
    # What had stood waiting was started late, and everybody knows why.
    drill.quiet("what had waited for them is no news", 25)


def _dead_redis(drill: Drill, shop: Shop) -> None:
    shop.redis.kill()
    drill.expect("Redis dies", fires(10, "BullRedisDown"))
    drill.quiet("Redis is dead", 10)
    shop.redis.start()
    drill.expect("Redis is back", ends(15, "BullRedisDown"))


def _new_queue(drill: Drill, shop: Shop) -> None:
    shop.start_worker("new", concurrency=1)
    # 20 jobs of 0.2 s at once, one after the other: all but the first seven wait for more than 1.5 s. In the two
    # seconds that are left of six the worker is seen idle, so that it is not full all the time.
    shop.add("new", every_ms=6000, jobs=20, work_ms=200)
    drill.expect("a new queue whose jobs wait up to 4 s", fires(35, LATE, "new"))
    shop.delete("new")
    drill.expect("and that is deleted", ends(30, LATE, "new"))


def _overload(drill: Drill, shop: Shop) -> None:
    # One slot and a second a job: 3,600 an hour of the 10,800 that arrive.
    shop.kill_worker("email")
    shop.add("reports", every_ms=5000, work_ms=5)
    shop.start_worker("email", concurrency=1)
    shop.add("email", every_ms=333, work_ms=1000)
    drill.expect(
        "more work than one slot can do",
        fires(35, LATE, "email"),
        fires(25, FULL, "email", "warning"),
        fires(45, LOW),
    )
    shop.kill_worker("email")
    shop.start_worker("email", concurrency=100)
    drill.expect(
        "a hundred slots", ends(15, FULL, "email", "warning"), ends(60, LATE, "email"), ends(60, LOW)
    )
