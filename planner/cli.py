"""The command `bullgauge-planner`: what its options and verbs are."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exporter import command_line
from exporter.command_line import add_verb
from planner.file import flags
from planner.fit import options as fit_options
from planner.forecast import options as forecast_options
from planner.one_run import options as run_options
from planner.size import verb as size_verb
from planner.whatif import verb as whatif_verb
from planner.whole_numbers import whole_number

PROGRAM = "bullgauge-planner"
NEEDED = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pyarrow": "pyarrow",
    "altair": "altair",
    "vl_convert": "vl-convert-python",
    "jinja2": "Jinja2",
    "prometheus_client": "prometheus-client",
}
EPILOG = """\
example:
  bullgauge-planner size fleet.yaml

  # fleet.yaml
  queues:
    - {name: email, concurrency: 5, jobs_per_hour: 3000, service: {law: lognormal, mean: 800ms, scv: 2}}
  objectives: {p95_wait: 750ms}

  # the same without a file
  bullgauge-planner size --set email.concurrency=5 --set email.jobs_per_hour=3000 \\
    --set 'email.service={law: lognormal, mean: 800ms, scv: 2}' --set objectives.p95_wait=750ms
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 fine, 1 the answer is no, 2 bad input."""
    options = parser().parse_args(argv)
    if missing := command_line.lacking(NEEDED, "planner"):
        print(f"{PROGRAM}: {missing}", file=sys.stderr)
        return command_line.BAD_INPUT
    # More threads than one make small matrices slower on a busy machine; numpy reads this when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Each verb imports what it needs, so that `--help` answers without the extra.
    from planner import commands

    return command_line.ended(PROGRAM, lambda: commands.run(options))


def parser() -> argparse.ArgumentParser:
    made = command_line.command(
        PROGRAM, "Says how long jobs will wait, and how many slots a load needs.", EPILOG
    )
    verbs = made.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    run_options.add_options(_add_file_verb(verbs, "predict", "say how long the jobs of each queue will wait"))
    size_verb.add_options(_add_file_verb(verbs, "size", size_verb.HELP))
    _add_file_verb(verbs, "pool", "say how connection pools are used, and whether their timeouts can fire")
    _add_report(verbs)
    _add_whatif(verbs)
    _add_simulate(verbs)
    _add_replay(verbs)
    fit_options.add_options(
        add_verb(
            verbs,
            "fit",
            "make a file of queues from what was seen",
            "bullgauge-planner fit trace.csv > fleet.yaml",
        )
    )
    forecast_options.add_options(
        add_verb(
            verbs,
            "forecast",
            "foretell the hours ahead and their peak from history",
            "bullgauge-planner forecast hours.csv --fleet fleet.yaml",
        )
    )
    add_verb(
        verbs, "schema", "print the JSON Schema of the file", "bullgauge-planner schema > fleet.schema.json"
    )
    return made


def _add_file_verb(verbs: Any, name: str, text: str, rest: str = "") -> argparse.ArgumentParser:
    made = add_verb(verbs, name, text, f"bullgauge-planner {name} fleet.yaml{rest}")
    flags.add_options(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def _add_report(verbs: Any) -> None:
    text = "write what will happen, what to change and which claims hold"
    made = _add_file_verb(verbs, "report", text, " --out capacity")
    made.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder for report.html, report.md, *.svg"
    )


def _add_whatif(verbs: Any) -> None:
    made = add_verb(
        verbs, "whatif", "predict with other values, every combination of them", whatif_verb.EXAMPLE
    )
    whatif_verb.add_options(made)


def _add_simulate(verbs: Any) -> None:
    made = _add_file_verb(verbs, "simulate", "simulate each queue, where predict would take a formula")
    made.add_argument(
        "--seed",
        metavar="N",
        type=whole_number(0, 2**32),
        default=1,
        help="one seed, one result (default: 1)",
    )


def _add_replay(verbs: Any) -> None:
    made = add_verb(
        verbs,
        "replay",
        "run a recorded trace again, beside what really happened",
        "bullgauge-planner replay trace.csv --queue email --slots 8",
    )
    made.add_argument(
        "trace",
        metavar="TRACE",
        type=Path,
        help="what `bullgauge-exporter record` wrote: .csv, .jsonl or .parquet",
    )
    made.add_argument("--queue", metavar="NAME", help="this queue only (default: each queue of the trace)")
    made.add_argument(
        "--slots",
        metavar="N",
        type=whole_number(1, 100_000),
        help="slots to try (default: as many as were used)",
    )
    made.add_argument(
        "--column",
        metavar="OURS=THEIRS",
        action="append",
        default=[],
        help="the trace's name for a column, such as ready=created (repeatable)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
