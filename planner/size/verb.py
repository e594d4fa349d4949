"""Knows the verb `size`: its options, and what it writes."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each verb imports what it needs when it runs
    from planner.file.queue_file import AskedFile
    from planner.size.whole_file import Sized

HELP = "find the smallest number of slots that meets the objectives"


def add_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--keda",
        metavar="PATH",
        type=Path,
        help="also write a KEDA ScaledObject a queue, which scales on the exporter's metrics, as YAML to this file",
    )
    made.add_argument(
        "--thorough",
        action="store_true",
        help="simulate each queue of a long file as long as one alone, which takes seconds a queue",
    )


def run(options: argparse.Namespace, each: Callable[..., Any], show: Callable[..., None]) -> int:
    """0 when every queue gets what it needs within the budgets, else 1. Raises BadInput."""
    from planner.file.given import asked_file
    from planner.size import lines as size_lines
    from planner.size.whole_file import sized_file

    file = asked_file(options)
    found, plans = sized_file(file, each, options.thorough)
    if options.keda is not None:
        _write(options.keda, file, plans, found["queues"], each)
    show(options, found, size_lines.lines(found))
    within = all(one["within"] for one in found["together"].values())
    enough = all(row["slots_needed"] is not None and not row["cut_to_fit"] for row in found["queues"])
    return 0 if within and enough else 1


def _write(
    path: Path,
    file: "AskedFile",
    plans: Sequence["Sized"],
    rows: Sequence[dict[str, Any]],
    each: Callable[..., Any],
) -> None:
    """The ScaledObjects; a queue that no number of slots helps has none."""
    import yaml

    from planner.errors import BadInput
    from planner.size.keda import scaled_object
    from planner.size.long_files import on_all_processors
    from planner.size.replicas import scaled

    rows_by_name = {row["name"]: row for row in rows}

    def made(one: "Sized") -> dict[str, Any]:
        concurrency = rows_by_name[one.name]["concurrency"]
        return scaled_object(scaled(one.queue, concurrency, file.keda.growth, one.shifts, one.way), file.keda)

    brief = {one.name: one.way for one in plans if one.way is not None}
    objects = on_all_processors([one for one in plans if one.plan is not None], made, each, brief)
    try:
        path.write_text(yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True, width=1000))
    except OSError as error:
        raise BadInput(f"--keda {path}: {error.strerror}") from None
    print(f"bullgauge-planner: wrote {len(objects)} ScaledObjects to {path}", file=sys.stderr)  # noqa: T201
