"""Knows what must hold of the page as a whole: others can read it, and it says which library it measures."""

from __future__ import annotations

import json
import shutil
import subprocess

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.exporter.truth.runs import NODE, Run
from tests.servers import missing


def pinned_version(library: str) -> str:
    wanted: str = json.loads((NODE / "package.json").read_text())["dependencies"][library]
    return wanted.rpartition("@")[2]


def test_promtool_finds_nothing_to_complain_about(run: Run) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        missing("promtool", "apt-get install prometheus")
    checked = subprocess.run(
        [str(promtool), "check", "metrics"], input=run.page.text, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_open_metrics_page_is_accepted_and_says_the_same(run: Run) -> None:
    families = {family.name: family for family in text_string_to_metric_families(run.open_metrics)}  # type: ignore[no-untyped-call]
    found = {
        (s.labels["queue"], s.labels["status"]): s.value
        for s in families["queue_jobs_processed"].samples
        if s.name == "queue_jobs_processed_total"
    }
    assert found == {
        (queue.name, status): run.page.value(
            "queue_jobs_processed_total", prefix=run.prefix, queue=queue.name, status=status
        )
        for queue in run.queues.values()
        for status in ("completed", "failed")
    }


def test_the_page_names_the_library_and_the_version_where_the_queue_tells_it(run: Run) -> None:
    library = "bull" if run.library in ("bull3", "bull4") else "bullmq"
    # Only later majors write their version, and only where a Queue object was made.
    tells = run.library in ("bullmq3", "bullmq4", "bullmq5", "bullmq6")
    version = pinned_version(run.library) if tells else ""
    for queue in run.queues.values():
        (family,) = [f for f in run.page.families.values() if f.name in ("queue", "queue_info")]
        (info,) = [s.labels for s in family.samples if s.labels.get("queue") == queue.name]
        assert (info["library"], info["version"]) == (library, version), queue.name


def test_nothing_was_lost(run: Run) -> None:
    assert sum(run.page.values("queue_events_lost_total", prefix=run.prefix)) == 0


def test_the_exporter_says_that_all_its_readings_worked(run: Run) -> None:
    found = run.page.values("queue_exporter_scrape_success")
    assert found and set(found) == {1.0}
