"""Knows how a library's own counts map to the states of `queue_size`, as docs/compatibility.md says."""

from __future__ import annotations

from tests.exporter.truth.notes import Note

# These keep prioritised jobs inside the waiting list; later majors keep them in a set of their own.
PRIORITISED_INSIDE = ("bull3", "bull4", "bullmq1", "bullmq2", "bullmq3")
# These leave a paused queue's jobs in the waiting list and only set a flag.
PAUSED_BY_FLAG = ("bullmq6", "python")


def expected_sizes(library: str, note: Note) -> dict[str, int]:
    """Jobs by state of `queue_size`, from `getJobCounts` and the jobs that the library lists."""
    counts = note["counts"]
    waiting, paused = counts["waiting"], counts.get("paused", 0)
    prioritised = counts.get("prioritized", 0)
    if library in PRIORITISED_INSIDE:
        # The library's number counts markers too (BullMQ 2, 3); the jobs that it lists have none.
        prioritised = note["waiting"]["prioritised"] + note["held"]["prioritised"]
        waiting = note["waiting"]["jobs"] - note["waiting"]["prioritised"]
        paused = note["held"]["jobs"] - note["held"]["prioritised"]
    if library in PAUSED_BY_FLAG and note["paused"]:
        waiting, paused = 0, waiting
    return {
        "waiting": waiting,
        "paused": paused,
        "prioritized": prioritised,
        "active": counts["active"],
        "delayed": counts["delayed"],
        "waiting_children": counts.get("waiting-children", 0),
        "completed": counts["completed"],
        "failed": counts["failed"],
    }
