"""Knows how many jobs a simulation may run: about what a quiet machine of two cores does in the time it is given.

Counted and not timed, so that one question and one seed give one answer, whatever else the machine does.
"""

from collections.abc import Iterable, Sequence

from planner.acceleration import COMPILED
from planner.figures import Name
from planner.laws.named import IoThenCpu, Law
from planner.simulation.crowd_control import CrowdControl

# Nanoseconds of processor time a job, drawn, run and counted with a control beside; measured 135 to 215 for a queue of
# 1 to 1,000 slots with any law, arrivals, limit, patience or retries, and 380 to 415 where jobs share cores.
JOB, SHARING_CORES, CROWD, PARTS = 160, 400, 150, 300
CORES = 2
# Without a compiler a job takes this many times as long.
UNCOMPILED = 50


def jobs_within(
    seconds: float,
    service: Law | IoThenCpu,
    controls: Sequence[object],
    names: Iterable[Name],
    starts: float = 1.0,
) -> int:
    """Jobs of all replications, each started so many times; the parts of a period are counted one by one, which takes
    longer than the run.
    """
    each = SHARING_CORES if isinstance(service, IoThenCpu) else JOB * starts
    each += CROWD * sum(isinstance(control, CrowdControl) for control in controls)
    if any(name.worst_bin or name.subject == "worst_bin" for name in names):
        each += PARTS
    return int(seconds * CORES * 1e9 / each / (1 if COMPILED else UNCOMPILED))
