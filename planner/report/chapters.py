"""Knows the report on a file of queues: what was asked, what will happen, what to change, why, and how sure.

The answer comes first and the detail last: who stops reading early has read what matters most.
"""

from collections.abc import Iterator, Mapping, Sequence

from planner import assumptions
from planner.file.reading import read_objective
from planner.report.advice import Advice, advices, steps
from planner.report.blocks import Block, Bullets, Heading, Paragraph, Table
from planner.report.figures import every_figure, redis, waits
from planner.report.study import STRONG_SCV, AtLoad, Study
from planner.report.verdict import Answer, Verdict
from planner.report.verdicts import verdicts
from planner.report.wait_charts import wait_charts
from planner.report.words import WORDS, explained, listed, load_told, loads_told, objective_told, slots_told

TITLE = "Capacity report"
# In the order of their weight: what is wrong, what was asked wrongly, what can be relied on, what is open.
_KINDS: Mapping[Answer, tuple[str, str]] = {
    "does not hold": ("do not hold", ""),
    "wrong question": ("ask the wrong question", "Yes or no would not help; the reason says what would."),
    "holds": ("hold", ""),
    "can't be known": ("can't be known", "The file says too little; the reason names what is missing."),
}


def report(study: Study, varied: Mapping[str, int | None]) -> tuple[Block, ...]:
    """The whole report; `varied` are the slots needed where services vary strongly, by queue."""
    judged, advised = verdicts(study), advices(study, varied)
    return (
        Heading(1, TITLE),
        *_in_short(study, judged, advised),
        *_change(study, advised),
        *_claims(judged),
        *waits(study),
        *_charts(study),
        *redis(study),
        *_how_sure(study, varied),
        *every_figure(study),
        Heading(2, "Words"),
        Bullets(WORDS),
    )


def _in_short(study: Study, judged: Sequence[Verdict], advised: Sequence[Advice]) -> Iterator[Block]:
    total = sum(row["jobs_per_hour"] for row in study.given.proposed)
    proposed = sum(row["slots"] for row in study.given.proposed)
    yield Paragraph(
        f"**The question.** Can the proposed {slots_told(proposed)} carry {total:,.0f} jobs an hour, so that "
        f"{_objectives(study)}? A slot does one job at a time; a worker with concurrency 5 has five."
    )
    yield Paragraph(f"**The answer.** {' '.join(_answers(study))}")
    yield Bullets(tuple(steps(advised, load_told(study.largest.factor))))
    ends = (study.given,) if study.given is study.largest else (study.given, study.largest)
    enough = "; ".join(map(_sum_needed, ends))
    sum_advised = sum(one.proposed if one.slots is None else one.slots for one in advised)
    yield Paragraph(f"**In all.** {enough}; {proposed} were proposed, {sum_advised} are advised.")
    counts = [(sum(verdict.answer == kind for verdict in judged), told) for kind, (told, _) in _KINDS.items()]
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    yield Paragraph(
        f"**The claims.** Of {len(judged)} that were checked, {told}. Each is computed from the file: "
        "other numbers in it turn the verdict."
    )


def _objectives(study: Study) -> str:
    told = {
        " and ".join(map(objective_told, read_objective(queue.objective).bounds))
        for queue in study.file.queues
    }
    return " or, in other queues, ".join(sorted(told))


def _answers(study: Study) -> Iterator[str]:
    """At the load given, then at the others: who fails. Loads at which the same fail are told together."""
    by_failing: dict[tuple[str, ...], list[float]] = {}
    for one in (study.given, *(one for one in study.loads if one is not study.given)):
        failing = tuple(row["name"] for row in one.proposed if not row["stable"] or row["objectives_broken"])
        by_failing.setdefault(failing, []).append(one.factor)
    for failing, factors in by_failing.items():
        at = loads_told(factors)
        yield (
            f"**No at {at}**: {listed(failing)} would not."
            if failing
            else f"**Yes at {at}**, in every queue."
        )


def _sum_needed(one: AtLoad) -> str:
    known = [slots for slots in one.needed.values() if slots is not None]
    without = [name for name, slots in one.needed.items() if slots is None]
    rest = f", and no number is enough for {listed(without)}" if without else ""
    return f"{slots_told(sum(known))} {'is' if sum(known) == 1 else 'are'} enough at {load_told(one.factor)}{rest}"


def _change(study: Study, advised: Sequence[Advice]) -> Iterator[Block]:
    yield Heading(2, "What to change")
    today = {row["name"]: row["slots"] for row in study.given.today}
    loads = [f"needed, load ×{one.factor:g}" for one in study.loads]
    header = ("queue", *(("slots today",) if today else ()), "proposed", *loads, "advice")
    rows = []
    for row, advice in zip(study.given.proposed, advised, strict=True):
        before = (str(today.get(row["name"], "–")),) if today else ()
        needed = [_slots(one.needed[row["name"]]) for one in study.loads]
        rows.append((row["name"], *before, str(row["slots"]), *needed, advice.told()))
    yield Table(header, tuple(rows), frozenset(header[1:-1]))
    yield Paragraph(
        "Needed: the fewest slots that meet the objective at that multiple of the load. The advice is for "
        f"{load_told(study.largest.factor)}, to have room for the peak hour; where the file does not say how the work "
        "varies, it is for work that varies strongly."
    )
    memory = [queue for queue in study.file.queues if queue.memory_megabytes]
    if memory:
        total = sum(queue.memory_megabytes or 0.0 for queue in memory)
        yield Paragraph(
            f"Memory: `maxMemoryMB` of all processes of {len(memory)} queues together is {total:,.0f} MB. It bounds "
            "what a process may hold; how many slots the waits call for does not depend on it."
        )


def _slots(needed: int | None) -> str:
    return "none is enough" if needed is None else str(needed)


def _claims(judged: Sequence[Verdict]) -> Iterator[Block]:
    yield Heading(2, "Which claims hold")
    for kind, (told, meant) in _KINDS.items():
        found = [verdict for verdict in judged if verdict.answer == kind]
        if found:
            yield Heading(3, f"{len(found)} {told}")
            if meant:
                yield Paragraph(meant)
            yield Table(("claim", "why"), tuple((one.claim, one.why) for one in found))


def _charts(study: Study) -> Iterator[Block]:
    yield Heading(2, "Waits against slots")
    yield Paragraph(
        "Each curve is one multiple of the load. Left of it the queue can't keep up; where it falls below the red line "
        "the objective is met; further right more slots buy nothing. Each line across is ten times the "
        "wait of the one below it."
    )
    yield from wait_charts(study)


def _how_sure(study: Study, varied: Mapping[str, int | None]) -> Iterator[Block]:
    yield Heading(2, "How sure this is")
    methods = sorted({row["method"] for one in study.loads for row in one.proposed if row["stable"]})
    yield Paragraph(f"Found by: {'; '.join(methods) or 'no method, no queue is stable'}.")
    assumed = _assumed(study)
    doubts = [f"{row['name']}: {text}" for row in study.given.proposed for text in row["doubts"]]
    if assumed:
        yield Paragraph("The mathematics is surer than its input. Assumed, because the file does not say:")
    if assumed or doubts:
        yield Bullets((*assumed, *doubts))
    if terms := explained(" ".join((*methods, *assumed))):
        yield Bullets(terms)
    if varied:
        yield Paragraph(_when_varied(study, varied))
    yield Paragraph(
        "Measure before you buy: `bullgauge-exporter record` writes a trace of real jobs, and "
        "`bullgauge-planner replay` runs it on any number of slots."
    )


def _assumed(study: Study) -> list[str]:
    found = assumptions.told(study.given.proposed)
    return found + [f"pool {p.name}: {'; '.join(p.assumed)}" for p in study.pools if p.assumed]


def _when_varied(study: Study, varied: Mapping[str, int | None]) -> str:
    most = study.largest
    more = [
        f"{name} {_slots(slots)} instead of {_slots(most.needed[name])}"
        for name, slots in varied.items()
        if slots != most.needed[name]
    ]
    told = f"more are needed: {', '.join(more)}" if more else "as many are enough"
    rest = "; for the others as many are enough" if more and len(more) < len(varied) else ""
    return (
        "Work is taken as exponential. If it varies more (a few long jobs among many short ones, a variance of "
        f"{STRONG_SCV:g} times the squared mean), then at {load_told(most.factor)} {told}{rest}."
    )
