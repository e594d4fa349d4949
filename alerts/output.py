"""This file knows the whole set of files that a configuration makes: each path and its text."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from alerts import boards, grafana, render, routing, ruletests, runbooks
from alerts.cases import CASES
from alerts.config import Config
from alerts.inhibitions import inhibitions
from alerts.links import Links
from alerts.rules import Alert, Ground, Group, alerts_of
from alerts.ruleset import ground, groups
from alerts.thresholds import Thresholds, resolve

RULES, TESTS, ALERTMANAGER = "rules.yaml", "rules_test.yaml", "alertmanager.yaml"
DASHBOARDS, RUNBOOKS = "dashboards", "runbooks"


@dataclass(frozen=True, slots=True)
class Source:
    """What a set was made from, for the head of each file."""

    name: str
    text: str

    @property
    def heading(self) -> str:
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        return (
            f"Made by bullgauge-alerts {version('bullgauge')} from {self.name} (sha256 {digest}).\n"
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


def plan(config: Config, thresholds: Thresholds) -> Plan:
    """Work a configuration out. Raises ThresholdError and RoutingError."""
    routing.document(config)
    return Plan(ground(config, thresholds), groups(config, thresholds))


def texts(made: Plan, source: Source) -> dict[str, str]:
    """Every file's text by its path: the same for the same configuration, byte for byte."""
    g = made.ground
    files = {
        RULES: render.dump(rules(made), source.heading),
        TESTS: render.dump(tests(made), source.heading),
        ALERTMANAGER: render.dump(routing.document(g.config), source.heading),
    }
    files |= {f"{DASHBOARDS}/{board.uid}.json": grafana.render(board, g) for board in boards.boards(g)}
    return files | dict(_runbooks(made))


def rules(made: Plan) -> dict[str, object]:
    return render.rules_document(made.groups, made.ground.pace, Links(made.ground.config.addresses))


def tests(made: Plan) -> dict[str, object]:
    """The rule tests that fit the configuration; with the defaults they forbid every other alert."""
    g = made.ground
    if g.pace.speed != 1:
        return ruletests.document([RULES], g, [], strict=False)
    off = {name for name, wanted in g.config.alerts.items() if not wanted}
    cases = [case for maker in CASES if (case := maker(g)) is not None and not off.intersection(case.alerts)]
    return ruletests.document([RULES], g, cases, strict=_is_plain(g.config))


def _is_plain(config: Config) -> bool:
    """Whether the rules are those of the defaults, however they are named and sent."""
    kept = {"alerts", "severities", "guards", "objective", "page_on_burn", "profile", "overrides"}
    plain = Config()
    return resolve(config) == resolve(plain) and all(
        getattr(config, key) == getattr(plain, key) for key in kept
    )


def _runbooks(made: Plan) -> Iterator[tuple[str, str]]:
    silencing = list(inhibitions(made.ground.config))
    for name in made.names:
        page = runbooks.runbook(name, made.alerts, silencing, made.ground.pace)
        yield f"{RUNBOOKS}/{name}.md", page
