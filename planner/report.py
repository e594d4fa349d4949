"""Knows the report on a file of queues: what was asked, what will happen, what to change, why, and how sure."""

from collections.abc import Iterator, Mapping, Sequence

from planner.answers import duration, growth
from planner.blocks import Block, Bullets, Heading, Paragraph, Table
from planner.pool import bull_connections
from planner.study import STRONG_SCV, AtLoad, Row, Study
from planner.verdict import Verdict
from planner.verdicts import verdicts
from planner.wait_charts import wait_charts

TITLE = "Capacity report"
_TOLD = {
    "holds": "hold",
    "does not hold": "do not hold",
    "wrong question": "ask the wrong question",
    "can't be known": "can't be known from the file",
}
_WORDS = (
    "**slot**: one job at a time; a worker with concurrency 5 has five.",
    "**utilisation**: share of the slots that is busy. Waits grow slowly up to about 70 %, and without end at 100 %.",
    "**wait**: from the moment a job may start to its first start. 19 of 20 jobs stay below the **p95** wait.",
    "**ceiling**: the jobs an hour that the slots can do. Above it the backlog grows, and no wait can be told.",
)


def report(study: Study, varied: Mapping[str, int | None]) -> tuple[Block, ...]:
    """The whole report; `varied` are the slots needed where services vary strongly, by queue."""
    judged = verdicts(study)
    return (
        Heading(1, TITLE),
        *_in_short(study, judged),
        *_change(study),
        *_claims(judged),
        *_what_happens(study),
        Heading(2, "Waits against slots"),
        Paragraph(
            "Read it from the left: with too few slots waits have no end; past the bend more slots buy nothing."
        ),
        *wait_charts(study),
        *_redis(study),
        *_how_sure(study, varied),
        Heading(2, "Words"),
        Bullets(_WORDS),
    )


def _in_short(study: Study, judged: Sequence[Verdict]) -> Iterator[Block]:
    total = sum(row["jobs_per_hour"] for row in study.given.proposed)
    failing = [row["name"] for row in study.given.proposed if not row["stable"] or row["objectives_broken"]]
    proposed = sum(row["slots"] for row in study.given.proposed)
    yield Paragraph(
        f"**What was asked.** Do {proposed} slots carry {total:,.0f} jobs an hour, with {_objectives(study)}?"
    )
    answer = f"No: {', '.join(failing)} would not." if failing else "Yes, every queue meets its objectives."
    yield Paragraph(f"**Answer.** {answer} {_sum_needed(study.given)}; {_sum_needed(study.largest)}.")
    counts = [(sum(verdict.answer == kind for verdict in judged), told) for kind, told in _TOLD.items()]
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    yield Paragraph(
        f"**Claims.** Of {len(judged)}: {told}. Each is computed from the file; the reasons stand below."
    )


def _objectives(study: Study) -> str:
    told = {", ".join(f"{figure} at most {_bound(value)}" for figure, value in row["objectives"].items())
            for row in study.given.proposed}  # fmt: skip
    return " or ".join(sorted(told))


def _bound(value: object) -> str:
    return duration(value) if isinstance(value, float) else str(value)


def _sum_needed(one: AtLoad) -> str:
    known = [slots for slots in one.needed.values() if slots is not None]
    without = [name for name, slots in one.needed.items() if slots is None]
    at = "At this load" if one.factor == 1.0 else f"at {one.factor:g} times the load"
    rest = f", and no number is enough for {', '.join(without)}" if without else ""
    return f"{at} {sum(known)} slots are enough{rest}"


def _change(study: Study) -> Iterator[Block]:
    yield Heading(2, "What to change")
    today = {row["name"]: row["slots"] for row in study.given.today}
    loads = [f"needed ×{one.factor:g}" for one in study.loads]
    header = ("queue", *(("today",) if today else ()), "proposed", *loads, "advice")
    rows = []
    for row in study.given.proposed:
        before = (str(today.get(row["name"], "–")),) if today else ()
        needed = [one.needed[row["name"]] for one in study.loads]
        rows.append((row["name"], *before, str(row["slots"]), *map(_slots, needed), _advice(row, needed)))
    yield Table(header, tuple(rows), frozenset(header[1:-1]))
    yield Paragraph(
        f"Needed: the fewest slots that meet the objectives at that multiple of the load. Plan for the peak hour, "
        f"here ×{study.largest.factor:g}; what is beyond costs memory and Redis connections and shortens no wait."
    )
    memory = [queue for queue in study.file.queues if queue.memory_megabytes]
    if memory:
        total = sum(queue.memory_megabytes or 0.0 for queue in memory)
        yield Paragraph(f"Memory: the limits of {len(memory)} queues add up to {total:,.0f} MB.")


def _slots(needed: int | None) -> str:
    return "none is enough" if needed is None else str(needed)


def _advice(row: Row, needed: Sequence[int | None]) -> str:
    most = needed[-1]
    if most is None:
        return f"slots don't help; the {row['ceiling_set_by']} is in the way"
    if row["slots"] < (needed[0] or 0):
        return f"raise to {most}"
    if row["slots"] < most:
        return f"enough now, raise to {most} before the peak"
    return f"lower to {most}" if row["slots"] > 2 * most else "keep"


def _claims(judged: Sequence[Verdict]) -> Iterator[Block]:
    yield Heading(2, "Which claims hold")
    rows = tuple((verdict.claim, f"**{verdict.answer}**", verdict.why) for verdict in judged)
    yield Table(("claim", "verdict", "why"), rows)


def _what_happens(study: Study) -> Iterator[Block]:
    yield Heading(2, "What will happen")
    if study.given.today:
        yield Heading(3, "Today's queues under this load")
        yield _waits(study.given.today)
    for one in study.loads:
        yield Heading(3, _proposed_at(one.factor))
        yield _waits(one.proposed)


def _proposed_at(factor: float) -> str:
    return f"The proposed queues at {factor:g} times the load" if factor != 1.0 else "The proposed queues"


def _waits(rows: Sequence[Row]) -> Table:
    header = (
        "queue",
        "jobs an hour",
        "slots",
        "used",
        "mean wait",
        "p95 wait",
        "p99 wait",
        "ceiling an hour",
    )
    return Table(header, tuple(map(_wait_row, rows)), frozenset(header[1:]))


def _wait_row(row: Row) -> tuple[str, ...]:
    start = (row["name"], f"{row['jobs_per_hour']:,.0f}", str(row["slots"]), f"{row['utilisation']:.0%}")
    ceiling = f"{row['ceiling_per_hour']:,.0f}"
    if not row["stable"]:
        return (*start, growth(row["backlog_per_hour"]), "–", "–", ceiling)
    return (*start, *(duration(row["wait_seconds"][q]) for q in ("mean", "p95", "p99")), ceiling)


def _redis(study: Study) -> Iterator[Block]:
    if not study.pools:
        return
    yield Heading(2, "Connections to Redis")
    header = ("pool", "connections", "used", "commands that wait", "needed", "right use for this size")
    rows = tuple(
        (p.name, str(p.connections), f"{p.utilisation:.2%}", f"{p.prob_wait:.2%}", str(p.connections_needed),
         f"{p.right_utilisation:.0%}")
        for p in study.pools
    )  # fmt: skip
    yield Table(header, rows, frozenset(header[1:]))
    bull = bull_connections(study.file.queues)
    yield Paragraph(
        f"Beside them the workers open connections of their own: {bull.shared} with BullMQ when a process shares its "
        f"main one, {bull.unshared} with BullMQ's defaults, {bull.bull} with Bull's. {bull.blocking} of them block, "
        "which can't be shared. A larger pool changes none of them."
    )


def _how_sure(study: Study, varied: Mapping[str, int | None]) -> Iterator[Block]:
    yield Heading(2, "How sure this is")
    methods = {row["method"] for one in study.loads for row in one.proposed if row["stable"]}
    yield Paragraph(f"Found by: {'; '.join(sorted(methods)) or 'no method, no queue is stable'}.")
    doubts = [f"{row['name']}: {text}" for row in study.given.proposed for text in row["doubts"]]
    assumed = [
        f"{row['name']}: {'; '.join(row['assumed'])}" for row in study.given.proposed if row["assumed"]
    ]
    assumed += [f"pool {p.name}: {'; '.join(p.assumed)}" for p in study.pools if p.assumed]
    if assumed:
        yield Paragraph("The mathematics is surer than its input. Assumed, because the file does not say:")
        yield Bullets((*assumed, *doubts))
    if varied:
        told = ", ".join(
            f"{name} {_slots(slots)} instead of {_slots(study.largest.needed[name])}"
            for name, slots in varied.items()
        )
        yield Paragraph(
            "Services are taken as exponential. If they vary strongly (squared coefficient of variation "
            f"{STRONG_SCV:g}), then at {study.largest.factor:g} times the load are needed: {told}."
        )
    yield Paragraph(
        "Measure before you buy: `bullgauge-exporter record` writes a trace of real jobs, and "
        "`bullgauge-planner replay` runs it on any number of slots."
    )
