"""This file knows the other forms: for the Prometheus Operator, for Mimir and Cortex, for Grafana's sidecar."""

from collections.abc import Callable, Mapping
from pathlib import Path

from alerts import output, render
from alerts.output import DASHBOARDS, Plan, Source

Make = Callable[[Plan, Source, Mapping[str, str]], dict[str, str]]
NAME = "bullgauge"


def prometheusrule(plan: Plan, source: Source, _files: Mapping[str, str]) -> dict[str, str]:
    """A PrometheusRule of the Prometheus Operator."""
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": NAME, "labels": {"app.kubernetes.io/name": NAME}},
        "spec": output.rules(plan),
    }
    return {"prometheusrule.yaml": render.dump(document, source.heading)}


def mimir(plan: Plan, source: Source, _files: Mapping[str, str]) -> dict[str, str]:
    """A rule file for `mimirtool rules load` and `cortextool`, with its namespace."""
    return {"mimir.yaml": render.dump({"namespace": NAME, **output.rules(plan)}, source.heading)}


def configmaps(_plan: Plan, source: Source, files: Mapping[str, str]) -> dict[str, str]:
    """One ConfigMap a dashboard, with the label that Grafana's sidecar looks for."""
    made = {}
    for name, text in files.items():
        if name.startswith(f"{DASHBOARDS}/"):
            file = name.removeprefix(f"{DASHBOARDS}/")
            uid = file.removesuffix(".json")
            document = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": uid, "labels": {"grafana_dashboard": "1"}},
                "data": {file: text},
            }
            made[f"configmaps/{uid}.yaml"] = render.dump(document, source.heading)
    return made


FORMS: dict[str, Make] = {"prometheusrule": prometheusrule, "mimir": mimir, "configmaps": configmaps}


def there(folder: Path, plan: Plan, source: Source, files: Mapping[str, str]) -> dict[str, str]:
    """The files of each form of which a folder has one."""
    made = (form(plan, source, files) for form in FORMS.values())
    return {
        name: text
        for form in made
        if any((folder / name).exists() for name in form)
        for name, text in form.items()
    }
