"""This file knows at which values a number changes its colour: at the bounds in force, or at a target."""

from grafana_foundation_sdk.models import dashboard as models

from alerts.rules import Ground
from alerts.signals import Signal

GREEN, YELLOW, RED = "green", "yellow", "red"


def steps(signal: Signal | None, target: tuple[float, str] | None, g: Ground) -> list[models.Threshold]:
    """Each colour from a value on, the first from below all; none where nothing is asked for."""
    if target is not None:
        value, good = target
        low, high = (YELLOW, GREEN) if good == "above" else (GREEN, YELLOW)
        return [models.Threshold(None, low), models.Threshold(value, high)]
    if signal is None:
        return []
    warning, critical = (g.thresholds.default(signal, s) for s in ("warning", "critical"))
    if signal.worse == "above":
        given = [(None, GREEN), (warning, YELLOW), (critical, RED)]
        return [models.Threshold(v, colour) for v, colour in given if colour == GREEN or v is not None]
    falling = [(v, colour) for v, colour in ((critical, YELLOW), (warning, GREEN)) if v is not None]
    lowest = RED if critical is not None else YELLOW
    return [models.Threshold(None, lowest), *(models.Threshold(v, colour) for v, colour in falling)]
