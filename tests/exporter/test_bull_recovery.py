"""Bull's messages are gone when nobody listens; jobs that Redis keeps are counted all the same, and once."""

from pathlib import Path

from tests.exporter.truth.runs import NODE, install_libraries
from tests.processes import Program

JOBS = 60


def totals(exporter) -> dict[str, float]:
    families = exporter.scrape()
    found = {s.labels["status"]: s.value for s in families["queue_jobs_processed"].samples}
    durations = families["queue_job_duration_seconds"].samples
    found["durations"] = sum(s.value for s in durations if s.name.endswith("_count"))
    found["gaps"] = sum(s.value for s in families["queue_events_gaps"].samples)
    return found


def test_kept_jobs_that_finished_while_the_exporter_was_away_are_counted_once(
    exporter, server, tmp_path: Path
):
    install_libraries()
    redis = server("redis7")
    state = ("--state-file", str(tmp_path / "state.json"))
    work = Program(["node", str(NODE / "bull_jobs.mjs"), redis.url.rsplit("/", 1)[0], "kept"])
    try:
        work.wait_for("working")
        first = exporter(redis.url, *state)
        work.tell(str(JOBS))
        work.wait_for(f"finished {JOBS}", seconds=60)
        assert totals(first)["completed"] == JOBS * 0.9
        first.stop()
        work.tell(str(JOBS))
        work.wait_for(f"finished {2 * JOBS}", seconds=60)
        second = exporter(redis.url, *state)
        assert totals(second) == {
            "completed": 2 * JOBS * 0.9,
            "failed": 2 * JOBS * 0.1,
            "durations": 2 * JOBS,
            "gaps": 1,
        }
        work.tell(str(JOBS))
        work.wait_for(f"finished {3 * JOBS}", seconds=60)
        assert totals(second) == {
            "completed": 3 * JOBS * 0.9,
            "failed": 3 * JOBS * 0.1,
            "durations": 3 * JOBS,
            "gaps": 1,
        }
    finally:
        work.kill()
