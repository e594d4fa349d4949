"""What is left out of a rule test because it can have no sample there: promtool finds none either."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alerts import names as n
from alerts import output
from alerts.cases import ruletests
from alerts.cases.needed import called
from alerts.cases.possible import possible
from alerts.cases.ruletests import Case, Query
from alerts.rules import Alert, Recording
from tests.alerts.conftest import plan, promtool

SHORT = (
    "rules without an exporter",
    "a target that answers without numbers",
    "dead workers",
    "flags that are unknown",
)


@pytest.mark.parametrize(
    ("expr", "can"),
    [
        ("a", True),
        ("b", False),
        ("a + b", False),
        ("b or a", True),
        ("b or b", False),
        ("a unless b", True),
        ("b unless a", False),
        ("a and b", False),
        ("sum without (x) (rate(b[5m]))", False),
        ("sum without (x) (rate(a[5m]))", True),
        ("max_over_time((a > 1)[1h:5m])", True),
        ("-b", False),
        ("absent(b)", True),
        ("vector(1)", True),
        ("a > bool on () group_left () vector(time() % 300)", True),
        ("histogram_quantile(0.95, b)", False),
        ('{__name__=~"b.*"}', True),
        ('ALERTS{alertname="BullA"}', True),
        ('ALERTS{alertname="BullB"}', False),
    ],
)
def test_a_rule_can_have_a_sample_where_its_series_are(expr: str, can: bool) -> None:
    series = ['a{job="x"}', 'ALERTS{alertname="BullA", alertstate="firing"}']
    assert possible([Recording("queue:c:d", expr)], series) == ({0} if can else set())


def test_an_alert_that_only_holds_itself_can_not_fire() -> None:
    held = Recording("alert:held:all", 'ALERTS{alertstate="firing"}')

    def alert(name: str, reads: str) -> Alert:
        return Alert(name, "warning", f'{reads} or alert:held:all{{alertname="{name}"}}', 0, "a", "b")

    rules = [
        held,
        alert("BullA", "a"),
        alert("BullB", "b"),
        Recording("queue:e:f", "queue:c:d"),
        Recording("queue:c:d", "a"),
    ]
    assert possible(rules, ["a{}"]) == {0, 1, 3, 4}


def test_what_is_left_out_has_no_sample(tmp_path: Path) -> None:
    cases = [case for case in output.cases(plan()) if case.promise in SHORT]
    assert len(cases) == len(SHORT)
    _prove(cases, tmp_path)


@pytest.mark.slow
def test_what_is_left_out_of_any_test_has_no_sample(tmp_path: Path) -> None:
    for case in output.cases(plan()):
        _prove([case], tmp_path)


def _prove(cases: list[Case], place: Path) -> None:
    """With all rules, none of those that would be left out writes anything at any minute."""
    made = plan()
    asked = [replace(case, checks=(), queries=_absent(case)) for case in cases]
    document = ruletests.document([output.RULES], made.ground, asked, made.groups, strict=False)
    (place / output.RULES).write_text(json.dumps(output.rules(made), ensure_ascii=False))
    (place / output.TESTS).write_text(json.dumps(document, ensure_ascii=False))
    promtool("test", "rules", str(place / output.TESTS))


def _absent(case: Case) -> tuple[Query, ...]:
    rules = plan().rules
    able = possible(rules, [name for world in case.worlds for name in world.series])
    kept = {called(rules[place]) for place in able}
    gone = sorted({called(rule) for rule in rules} - kept)
    assert len(gone) > 20
    chosen = (f'__name__=~"{"|".join(gone)}"', f'__name__="{n.ALERTS}", alertname=~"{"|".join(gone)}"')
    return tuple(
        Query(case.last_minute, f"count(last_over_time({{{conditions}}}[7d]))", ()) for conditions in chosen
    )
