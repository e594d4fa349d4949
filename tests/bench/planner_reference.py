"""Answers a file of questions with known answers through the planner's public API, and says how many are
right.

    python -m tests.bench.planner_reference [FILE] [--only R048] [--seconds 8]

One line a case, then a JSON summary; exit status 1 unless all are right. The rule is that of the file's
format: |x - value| <= 0.001·value + accuracy for exact rows, 0.01·value + half width for simulated ones;
integers equal.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.file.reading import Question, read_question
from planner.predict import predict
from planner.simulation.effort import Effort
from planner.sizing import size

SHIPPED = Path(__file__).parents[1] / "planner" / "reference.jsonl"


@dataclass(frozen=True, slots=True)
class Checked:
    """One figure: what was found, and its error as a part of what is allowed."""

    name: str
    found: float
    value: float
    part_of_allowed: float

    @property
    def right(self) -> bool:
        return self.part_of_allowed <= 1.0


def part_of_allowed(found: float, expected: Mapping[str, Any]) -> float:
    """The error, 1 being the most that still counts as right."""
    value = float(expected["value"])
    if expected.get("error") == "exact":
        return 0.0 if found == value else float("inf")
    if abs(value) < 1e-9:
        return 0.0 if found < 1e-9 else float("inf")
    if "half_width_95" in expected:
        allowed = 0.01 * abs(value) + float(expected["half_width_95"])
    else:
        allowed = 0.001 * abs(value) + float(expected["relative_error"]) * abs(value)
    return abs(found - value) / allowed


def answers(question: Question, wanted: Sequence[str], effort: Effort) -> tuple[dict[str, float], str]:
    """The wanted figures, and the method that spoke."""
    if question.objective is not None and "min_c" in wanted:
        plan = size(question.workload, question.objective, question.fleet, effort)
        return {
            "min_c": float(plan.slots_needed) if plan else float("nan")
        }, plan.prediction.method if plan else ""
    prediction = predict(question.workload, question.fleet, tuple(wanted), effort)
    return {name: figure.value for name, figure in prediction.figures.items()}, prediction.method


def check(case: Mapping[str, Any], effort: Effort) -> tuple[list[Checked], str]:
    expect = case["expect"]
    found, method = answers(read_question(case), tuple(expect), effort)
    rows = []
    for name, expected in expect.items():
        value = found.get(name, float("nan"))
        error = part_of_allowed(value, expected)
        rows.append(Checked(name, value, float(expected["value"]), error if error == error else float("inf")))
    return rows, method


def line(case: Mapping[str, Any], rows: Sequence[Checked], method: str, seconds: float) -> str:
    wrong = [f"{r.name} {r.found:.9g} is not {r.value:.9g}" for r in rows if not r.right]
    worst = max(row.part_of_allowed for row in rows)
    verdict = "; ".join(wrong) if wrong else "right"
    cost = f"{len(rows)} figures  worst {worst:6.1%} of allowed  {seconds:6.2f} s"
    return f"{case['id']}  {cost}  {method}: {verdict}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", default=SHIPPED, help="default: the shipped file")
    parser.add_argument("--only", nargs="*", help="ids of cases")
    parser.add_argument("--seconds", type=float, default=8.0, help="work of one simulation, counted")
    options = parser.parse_args(argv)
    cases = [json.loads(text) for text in options.file.read_text().splitlines() if text.strip()]
    chosen = [case for case in cases if not options.only or case["id"] in options.only]
    begun = time.monotonic()
    everything: list[Checked] = []
    for case in chosen:
        started = time.monotonic()
        rows, method = check(case, Effort(seconds=options.seconds))
        print(line(case, rows, method, time.monotonic() - started), flush=True)
        everything += rows
    right = sum(row.right for row in everything)
    worst = max((row.part_of_allowed for row in everything), default=0.0)
    summary = {
        "cases": len(chosen),
        "figures": len(everything),
        "right": right,
        "worst_error_of_allowed": round(worst, 4) if worst < float("inf") else "wrong integer or no answer",
        "seconds": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(summary))
    return 0 if right == len(everything) and everything else 1


if __name__ == "__main__":
    sys.exit(main())
