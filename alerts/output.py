"""This file knows the whole set of files that a configuration makes: each path and its text."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alerts import render, runbooks
from alerts.alertmanager import routing
from alerts.alertmanager.inhibitions import inhibitions
from alerts.boards import all_boards as boards
from alerts.boards import grafana
from alerts.cases import ruletests
from alerts.cases.all_cases import CASES
from alerts.cases.ruletests import Case
from alerts.config import Config
from alerts.links import Links
from alerts.rules import Alert, Ground, Group, Recording, alerts_of
from alerts.ruleset import ground, groups
from alerts.thresholds import Thresholds, resolve
from exporter import __version__

RULES, ALERTMANAGER = "rules.yaml", "alertmanager.yaml"
TEST_FILES = TESTS, TESTS_OF_DAYS = "rules_test.yaml", "rules_test_days.yaml"
"""Two files: promtool evaluates all tests of a file equally often, and days need it less often."""
DASHBOARDS, RUNBOOKS = "dashboards", "runbooks"


Rule = Alert | Recording


@dataclass(frozen=True, slots=True)
class Source:
    """What a set was made from, for the head of each file."""

    name: str
    text: str

    @property
    def heading(self) -> str:
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        return (
            f"Made by bullgauge-alerts {__version__} from {self.name} (sha256 {digest}).\n"
            "Do not edit: change the configuration and generate anew."
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration worked out: the rules that it makes, and what they are made from."""

    ground: Ground
    groups: tuple[Group, ...]

    @property
    def alerts(self) -> list[Alert]:
        return list(alerts_of(self.groups))

    @property
    def names(self) -> list[str]:
        return sorted({alert.name for alert in self.alerts})

    @property
    def rules(self) -> list[Rule]:
        """All of them in the order in which they are evaluated."""
        return [rule for group in self.groups for rule in group.rules]

    def only(self, places: Collection[int]) -> "Plan":
        """The same with these of its rules."""
        left = iter(range(len(self.rules)))
        groups = [Group(g.name, tuple(rule for rule in g.rules if next(left) in places)) for g in self.groups]
        return replace(self, groups=tuple(group for group in groups if group.rules))


def plan(config: Config, thresholds: Thresholds) -> Plan:
    """Work a configuration out. Raises ThresholdError and RoutingError."""
    routing.document(config)
    return Plan(ground(config, thresholds), groups(config, thresholds))


def texts(made: Plan, source: Source) -> dict[str, str]:
    """Every file's text by its path: the same for the same configuration, byte for byte."""
    g, heading = made.ground, source.heading
    files = {
        RULES: render.dump(rules(made), heading),
        **{name: render.dump(document, heading) for name, document in tests(made)},
        ALERTMANAGER: render.dump(routing.document(g.config), heading),
    }
    for board in boards.boards(g):
        files[f"{DASHBOARDS}/{board.uid}.json"] = grafana.render(board, g, heading)
    for name in made.names:
        files[f"{RUNBOOKS}/{name}.md"] = f"<!-- {heading} -->\n{runbook(made, name)}"
    return files


def rules(made: Plan) -> dict[str, Any]:
    """The content of the rules' file."""
    return render.rules_document(made.groups, made.ground.pace, Links(made.ground.config.addresses))


def tests(made: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """The files of rule tests; that of days only where there are such tests."""
    fitting = cases(made)
    yield TESTS, test_document(made, [case for case in fitting if case.every_minutes == 1])
    of_days = [case for case in fitting if case.every_minutes > 1]
    if of_days:
        yield TESTS_OF_DAYS, test_document(made, of_days)


def test_document(made: Plan, chosen: Sequence[Case]) -> dict[str, Any]:
    """A file of these tests; with the defaults they forbid every other alert."""
    return ruletests.document([RULES], made.ground, chosen, made.groups, strict=is_strict(made))


def cases(made: Plan) -> list[Case]:
    """The rule tests that fit the configuration; none for a drill."""
    g = made.ground
    if g.pace.speed != 1:
        return []
    off = {name for name, wanted in g.config.alerts.items() if not wanted}
    return [case for maker in CASES if (case := maker(g)) is not None and not off.intersection(case.alerts)]


def is_strict(made: Plan) -> bool:
    """Whether the rules are those of the defaults, however they are named and sent; then no other alert may fire."""
    config = made.ground.config
    kept = {"alerts", "severities", "guards", "objective", "page_on_burn", "profile", "overrides"}
    plain = Config()
    return resolve(config) == resolve(plain) and all(
        getattr(config, key) == getattr(plain, key) for key in kept
    )


def runbook(made: Plan, name: str) -> str:
    """The page of one alert, without a heading."""
    silencing = list(inhibitions(made.ground.config))
    return runbooks.runbook(name, made.alerts, silencing, made.ground.pace)
