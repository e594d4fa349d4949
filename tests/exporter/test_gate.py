"""Many scrapes at once share one reading, and none gets a reading that began before it asked."""

import threading
import time

from exporter.web.gate import Gate


def test_callers_that_come_during_a_run_share_the_next_one():
    begun = threading.Semaphore(0)
    go_on = threading.Semaphore(0)
    runs = []

    def run(wanted: str, deadline: float) -> int:
        runs.append(len(runs) + 1)
        begun.release()
        go_on.acquire()
        return runs[-1]

    gate = Gate(run)
    results: list[int | None] = []
    far = time.monotonic() + 30
    callers = [threading.Thread(target=lambda: results.append(gate.get("page", far))) for _ in range(21)]
    callers[0].start()
    begun.acquire()
    for caller in callers[1:]:
        caller.start()
    while threading.active_count() < 21:
        threading.Event().wait(0.001)
    go_on.release()
    begun.acquire()
    go_on.release()
    for _ in callers[1:]:
        go_on.release()
    for caller in callers:
        caller.join()
    # A caller that was slow to arrive may have begun a third run; none shares the first.
    assert results.count(1) == 1 and len(runs) <= 3 and len(results) == 21


def test_a_caller_does_not_wait_longer_than_its_deadline():
    held = threading.Event()
    begun = threading.Event()

    def run(wanted: str, deadline: float) -> int:
        begun.set()
        held.wait()
        return 1

    gate = Gate(run)
    first = threading.Thread(target=lambda: gate.get("page", time.monotonic() + 30))
    first.start()
    begun.wait()
    assert gate.get("page", time.monotonic() + 0.05) is None
    held.set()
    first.join()


def test_a_failed_run_does_not_lock_the_gate():
    outcomes = iter([ValueError("no"), 2])

    def run(wanted: str, deadline: float) -> int:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    gate = Gate(run)
    try:
        gate.get("page", time.monotonic() + 1)
    except ValueError:
        pass
    assert gate.get("page", time.monotonic() + 1) == 2


def test_who_wants_something_else_is_not_given_what_others_wait_for():
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    runs: list[str] = []

    def run(wanted: str, deadline: float) -> str:
        runs.append(wanted)
        begun.release()
        go_on.acquire()
        return f"{wanted} {len(runs)}"

    gate = Gate(run)
    results: list[tuple[str, str | None]] = []
    far = time.monotonic() + 30

    def call(wanted: str) -> None:
        results.append((wanted, gate.get(wanted, far)))

    callers = [threading.Thread(target=call, args=(wanted,)) for wanted in ("a", *"ababab")]
    callers[0].start()
    begun.acquire()
    for caller in callers[1:]:
        caller.start()
    for _ in callers:
        go_on.release()
    for caller in callers:
        caller.join()
    assert len(results) == 7
    assert all(result is not None and result.startswith(f"{wanted} ") for wanted, result in results)
    assert [result for _, result in results].count("a 1") == 1, "nobody shares what began before they came"
