"""This file knows the two sets of rules of the Alerts screen: that in force by the user's file, and a changed one."""

from dataclasses import dataclass

from alerts import config_file
from alerts.output import Plan, Source
from alerts.thresholds import Thresholds
from dashboard.alerting.bounds import Bounds, configuration, written

NAME = "alerts.yaml"
"""As it is called in the set that is downloaded, so that the command makes the same from it, byte for byte."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A configuration worked out, and its text."""

    text: str
    plan: Plan

    @property
    def source(self) -> Source:
        """For the head of each generated file."""
        return Source(NAME, self.text)


def in_force(thresholds: Thresholds, job: str) -> RuleSet:
    """What the user's file makes."""
    return made(written(thresholds), job)


def made(bounds: Bounds, job: str, further: str = "") -> RuleSet:
    """Raises ConfigError: one line with the line of the text that is wrong."""
    text = configuration(bounds, job, further)
    return RuleSet(text, config_file.parse(text, "bounds"))
