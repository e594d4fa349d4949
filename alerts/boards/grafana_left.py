"""This file knows what the builders of grafana-foundation-sdk 0.0 write that Grafana's own schema does not know."""

from typing import Any

OF_INTERVALS = ("auto", "auto_count", "auto_min")
"""Only a variable of type `interval` has these."""


def without_leftovers(document: dict[str, Any]) -> dict[str, Any]:
    """A dashboard that holds what the schema knows, and nothing else."""
    for variable in document["templating"]["list"]:
        for name in OF_INTERVALS:
            variable.pop(name, None)
    for panel in document["panels"]:
        if panel["type"] == "table":
            # Grafana 12 gave up the footer of the whole table for one of each field.
            panel["options"].pop("footer", None)
    return document
