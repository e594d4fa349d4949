"""Knows a report as plain values, for `--json`: the verdicts, the advice, and the figures at each load."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from planner.report.advice import advices
from planner.report.study import AtLoad, Study
from planner.report.verdicts import verdicts


def values(study: Study, varied: Mapping[str, int | None]) -> dict[str, Any]:
    """`varied` are the slots needed where services vary strongly, by queue."""
    return {
        "verdicts": [asdict(one) for one in verdicts(study)],
        "advice": [{**asdict(one), "told": one.told()} for one in advices(study, varied)],
        "loads": list(map(_at, study.loads)),
        "pools": list(map(asdict, study.pools)),
    }


def _at(load: AtLoad) -> dict[str, Any]:
    return {
        "times_the_load": load.factor,
        "queues": [{**row, "slots_needed": load.needed[row["name"]]} for row in load.proposed],
        "today": list(load.today),
    }
