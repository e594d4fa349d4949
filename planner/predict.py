"""Knows how to answer any figure of a queue: by the exact method that fits, else by simulation."""

from planner.combinations import refuse_absent, refuse_unanswered
from planner.exact.choice import solve_exactly
from planner.exact.limits import Ceiling, ceiling, is_unstable, loses, overloads_of
from planner.exact.solved import Solved
from planner.fleet import Fleet
from planner.laws.named import IoThenCpu
from planner.prediction import Figure, Prediction
from planner.simulation.effort import Effort
from planner.simulation.large_days import small_enough
from planner.workload import Workload

DEFAULT_FIGURES = (
    "util", "throughput", "prob_wait", "mean_wait", "p50_wait", "p95_wait", "p99_wait", "p99.9_wait",
    "mean_sojourn", "p95_sojourn", "p99_sojourn",
)  # fmt: skip


def predict(
    workload: Workload,
    fleet: Fleet,
    wanted: tuple[str, ...] = DEFAULT_FIGURES,
    effort: Effort | None = None,
    tails_of: tuple[str, ...] = (),
) -> Prediction:
    """The wanted figures (names: planner/figures.py). A queue without a steady state is answered as such.

    `tails_of` are subjects, "wait" or "sojourn", whose whole law is to be answered, as by their quantiles in `wanted`.

    Raises BadInput for an unknown figure, one that this queue does not have, or a queue that no method answers.
    """
    fleet = fleet.at_work
    refuse_unanswered(workload, fleet)
    limit = ceiling(workload, fleet)
    refuse_absent(workload, wanted)
    if is_unstable(workload, fleet):
        return _growing(workload, fleet, wanted, limit)
    solved = solve_exactly(workload, fleet)
    found = _exact_figures(solved, wanted)
    methods = [solved.method] if solved is not None and found else []
    found |= _of_the_fleet(workload, fleet, limit, wanted)
    missing = tuple(text for text in wanted if text not in found)
    doubts: tuple[str, ...] = ()
    tails = (
        {} if solved is None else {one: tail for one in tails_of if (tail := solved.tail(one)) is not None}
    )
    if missing:
        unknown = tuple(one for one in tails_of if one not in tails)
        simulated = _simulated(workload, fleet, missing, effort or Effort(), unknown)
        found |= simulated.figures
        tails |= simulated.tails
        doubts = simulated.doubts
        methods.append("simulation (independent replications, 95 % band)")
    method = " and ".join(methods) or "balance of flow (exact)"
    figures = {text: found[text] for text in wanted}
    return Prediction(method, figures, doubts=doubts, overloads=overloads_of(workload, fleet), tails=tails)


def _exact_figures(solved: Solved | None, wanted: tuple[str, ...]) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    if solved is None:
        return found
    for text in wanted:
        try:
            value = solved.figure(text)
        except LookupError:
            continue
        if value is not None:
            found[text] = Figure(value)
    return found


def _of_the_fleet(
    workload: Workload, fleet: Fleet, limit: Ceiling, wanted: tuple[str, ...]
) -> dict[str, Figure]:
    """Figures that need no queueing theory: balances of flow."""
    known = {"max_throughput": Figure(limit.per_second)}
    if workload.retries is not None or workload.options is not None:
        known["mean_attempts"] = Figure(workload.life.starts)
        known["final_failure_ratio"] = Figure(workload.life.failed)
    if not loses(workload, fleet):
        known |= {"p_block": Figure(0.0), "p_timeout": Figure(0.0)}
        known["throughput"] = Figure(workload.jobs_per_second)
        if not isinstance(workload.service, IoThenCpu):
            known["util"] = Figure(workload.offered_load / fleet.slots)
    return {text: known[text] for text in wanted if text in known}


def _simulated(
    workload: Workload, fleet: Fleet, missing: tuple[str, ...], effort: Effort, tails_of: tuple[str, ...]
) -> Prediction:
    from planner.simulation.replications import (
        Simulation,  # loads the compiler, which the exact methods do without
    )

    workload, fleet, doubt = small_enough(workload, fleet)
    run = Simulation(workload, fleet, missing, effort)
    figures = run.run()
    doubts = (*run.doubts(figures), *([doubt] if doubt else []))
    return Prediction("", figures, doubts=doubts, tails={one: run.tail(one) for one in tails_of})


def _growing(workload: Workload, fleet: Fleet, wanted: tuple[str, ...], limit: Ceiling) -> Prediction:
    """More work than can be done: waits grow without end and are absent."""
    done = limit.per_second / workload.life.starts
    # Jobs that wait for their core hold their slots meanwhile.
    waits_for_core = limit.set_by == "cpu"
    busy = 1.0 if waits_for_core else limit.per_second * workload.hold_seconds / fleet.slots
    known = {"util": busy, "throughput": done, "max_throughput": done}
    return Prediction(
        f"unstable, the ceiling is {done:.6g} jobs a second, set by {limit.set_by}",
        {text: Figure(known[text]) for text in wanted if text in known},
        stable=False,
        backlog_per_second=max(workload.jobs_per_second - done, 0.0),
    )
