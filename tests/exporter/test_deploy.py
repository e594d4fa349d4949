"""Knows what docs/deploy promises: files that their own tools accept, and that fit the exporter and each other."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from exporter import __version__
from exporter.cli import _parser
from exporter.settings import DEFAULT_PORT
from exporter.settings_file import load
from exporter.web.pages import application
from tests.servers import missing

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs/deploy"
MANIFESTS = sorted(DEPLOY.glob("kubernetes/*.yaml"))
KUBERNETES = ("1.25", "1.31", "1.37")
UNIT = DEPLOY / "systemd/bullgauge-exporter.service"
DOCKERFILE = DEPLOY / "container/Dockerfile"

Manifest = dict[str, Any]


def manifests(file: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(file.read_text()))


def of_kind(*kinds: str) -> list[Manifest]:
    return [one for file in MANIFESTS for one in manifests(file) if one["kind"] in kinds]


def pods() -> list[Manifest]:
    return [one["spec"]["template"] for one in of_kind("Deployment", "StatefulSet")]


def exporter_container(pod: Manifest) -> Manifest:
    found: Manifest
    [found] = [one for one in pod["spec"]["containers"] if one["name"] == "bullgauge"]
    return found


def accepted(arguments: list[str]) -> dict[str, Any]:
    """The options that the command line makes of `arguments`; a wrong one ends the test."""
    return vars(_parser().parse_args(["serve", *arguments]))


def kubernetes_validator() -> ModuleType:
    try:
        return importlib.import_module("kubernetes_validate")
    except ImportError:
        missing("kubernetes-validate", "pip install kubernetes-validate")
        raise


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(name, f"apt-get install {package}")
    assert found is not None
    return found


# --- Kubernetes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_a_manifest_is_what_kubernetes_takes(file: Path, version: str) -> None:
    validator = kubernetes_validator()
    for manifest in manifests(file):
        if not manifest["apiVersion"].startswith("monitoring.coreos.com/"):
            validator.validate(manifest, version, strict=True)


def test_the_validator_refuses_a_manifest_with_a_mistake() -> None:
    validator = kubernetes_validator()
    [deployment] = of_kind("Deployment")
    deployment["spec"]["replica"] = 1
    with pytest.raises(validator.ValidationError, match="replica"):
        validator.validate(deployment, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("pod", pods(), ids=["deployment", "sidecar"])
def test_a_container_is_started_with_options_that_there_are(pod: Manifest) -> None:
    container = exporter_container(pod)
    accepted(container["args"])
    assert container["ports"] == [{"name": "metrics", "containerPort": DEFAULT_PORT}]


@pytest.mark.parametrize("pod", pods(), ids=["deployment", "sidecar"])
def test_every_mount_has_its_volume_and_the_state_is_written_to_one(pod: Manifest) -> None:
    mounts = {mount["name"]: mount for mount in exporter_container(pod)["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["spec"]["volumes"]}
    writable = [mount["mountPath"] for mount in mounts.values() if not mount.get("readOnly")]
    assert writable == ["/state"]


@pytest.mark.parametrize("pod", pods(), ids=["deployment", "sidecar"])
def test_a_probe_asks_for_a_page_that_answers_while_redis_is_down(pod: Manifest) -> None:
    container = exporter_container(pod)
    probes = [probe for name, probe in container.items() if name.endswith("Probe")]
    assert probes
    for probe in probes:
        assert probe["httpGet"]["port"] == "metrics"
        assert status(probe["httpGet"]["path"]) == "200 OK"


def status(path: str) -> str:
    """What the exporter's own pages answer to a request, with no target that could be asked."""
    told: list[str] = []
    request = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    list(application(NoTargets(), None)(request, lambda line, _: told.append(line)))  # type: ignore[arg-type]
    return told[0]


class NoTargets:
    default = None
    named: dict[str, Any] = {}  # noqa: RUF012 - empty


def test_the_deployment_has_one_replica_that_is_never_doubled() -> None:
    [deployment] = of_kind("Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_the_configuration_in_the_manifest_is_accepted_and_its_paths_are_mounted(tmp_path: Path) -> None:
    [config] = of_kind("ConfigMap")
    [(name, text)] = config["data"].items()
    (tmp_path / name).write_text(text)
    settings = load(tmp_path / name, {})
    container = exporter_container(of_kind("Deployment")[0]["spec"]["template"])
    mounted = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert f"{mounted[0]}/{name}" in container["args"]
    for path in (settings.state_file, settings.redis.password_file):
        assert path is not None
        assert str(path.parent) in mounted


def test_every_selector_finds_what_it_is_for() -> None:
    deployment, sidecar = (pod["metadata"]["labels"] for pod in pods())
    [service], [service_monitor], [pod_monitor] = (
        of_kind(k) for k in ("Service", "ServiceMonitor", "PodMonitor")
    )
    [policy] = of_kind("NetworkPolicy")
    assert service["spec"]["selector"].items() <= deployment.items()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= deployment.items()
    assert service_monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert pod_monitor["spec"]["selector"]["matchLabels"].items() <= sidecar.items()
    assert not pod_monitor["spec"]["selector"]["matchLabels"].items() <= deployment.items()


def test_every_port_that_is_named_is_the_exporters() -> None:
    [service], [service_monitor], [pod_monitor] = (
        of_kind(k) for k in ("Service", "ServiceMonitor", "PodMonitor")
    )
    [policy] = of_kind("NetworkPolicy")
    named = [service["spec"]["ports"][0]["targetPort"], policy["spec"]["ingress"][0]["ports"][0]["port"]]
    named += [one["port"] for one in service_monitor["spec"]["endpoints"]]
    named += [one["port"] for one in pod_monitor["spec"]["podMetricsEndpoints"]]
    assert set(named) == {"metrics"}


# --- systemd ----------------------------------------------------------------------------------------------------


def unit_for_this_machine(folder: Path, *changes: tuple[str, str]) -> str:
    """The unit with a program that exists here, as verify looks for it."""
    text = UNIT.read_text().replace("/opt/bullgauge/bin/bullgauge-exporter", "/bin/true")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / UNIT.name).write_text(text)
    return str(folder / UNIT.name)


def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    good = subprocess.run(
        [analyze, "verify", unit_for_this_machine(tmp_path)], capture_output=True, text=True
    )
    assert (good.returncode, good.stderr) == (0, "")
    mistake = ("ProtectSystem=", "ProtectSystems=")
    bad = subprocess.run(
        [analyze, "verify", unit_for_this_machine(tmp_path, mistake)], capture_output=True, text=True
    )
    assert "ProtectSystems" in bad.stderr


def test_the_unit_exposes_little(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    command = [analyze, "security", "--offline=true", "--threshold=20", unit_for_this_machine(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout  # 2.0 of 10 is the most


def test_the_unit_starts_the_exporter_with_options_that_there_are() -> None:
    [line] = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    options = accepted(shlex.split(line)[1:])
    assert str(options["state_file"].parent) == "/var/lib/bullgauge"
    assert "StateDirectory=bullgauge\n" in UNIT.read_text()


# --- containers -------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    lines = DOCKERFILE.read_text().splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]  # type: ignore[misc]


def test_the_steps_of_the_dockerfile_make_an_exporter_that_starts(tmp_path: Path) -> None:
    """Its COPY and RUN lines up to the second stage, in an empty folder; `python` is this one."""
    source, installed = tmp_path / "source", tmp_path / "opt"
    source.mkdir()
    build = [(word, rest) for word, rest in instructions()][: second_stage()]
    for word, rest in build:
        if word == "COPY":
            *names, to = rest.split()
            for name in names:
                copy(ROOT / name, source / to / name if to.endswith("/") else source / to)
        elif word == "RUN":
            command = rest.replace("/opt/bullgauge", str(installed)).replace(
                "python -m", f"{sys.executable} -m", 1
            )
            subprocess.run(shlex.split(command), cwd=source, check=True, capture_output=True)
    done = subprocess.run([installed / "bin/bullgauge-exporter", "--version"], capture_output=True, text=True)
    assert done.stdout == f"bullgauge {__version__}\n"


def second_stage() -> int:
    return [number for number, (word, _) in enumerate(instructions()) if word == "FROM"][1]


def copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, to)


def test_both_stages_have_the_same_python_since_an_environment_does_not_move() -> None:
    first, second = (rest.split()[0] for word, rest in instructions() if word == "FROM")
    assert first == second
    entry = yaml.safe_load(dict(instructions())["ENTRYPOINT"])
    assert entry == ["/opt/bullgauge/bin/bullgauge-exporter"]
    assert dict(instructions())["EXPOSE"] == str(DEFAULT_PORT)


def test_the_compose_file_fits_the_dockerfile_and_the_exporter() -> None:
    compose = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    ours = compose["services"]["bullgauge"]
    context = (DEPLOY / "container" / ours["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / ours["build"]["dockerfile"]).samefile(DOCKERFILE)
    accepted(ours["command"])
    assert ours["ports"][0].endswith(f":{DEFAULT_PORT}")
    mounts = [
        mount.split(":") for service in compose["services"].values() for mount in service.get("volumes", ())
    ]
    for source, *_ in mounts:
        assert source in compose["volumes"] or (DEPLOY / "container" / source).exists(), source


# --- Prometheus -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(DEPLOY.glob("prometheus/*.yaml")), ids=lambda file: file.name)
def test_prometheus_takes_the_scrape_configuration(file: Path) -> None:
    command = [program("promtool", "prometheus"), "check", "config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [job] = yaml.safe_load(file.read_text())["scrape_configs"]
    assert job["job_name"] == "bullgauge"


def test_many_targets_are_those_of_the_example_and_are_told_apart_by_a_label_that_survives() -> None:
    [job] = yaml.safe_load((DEPLOY / "prometheus/many.yaml").read_text())["scrape_configs"]
    settings = load(ROOT / "docs/examples/bullgauge.yaml", {})
    names = [settings.name, *(target.name for target in settings.targets)]
    assert job["static_configs"] == [{"targets": names}]
    written = [rule["target_label"] for rule in job["relabel_configs"]]
    assert written == ["__param_target", "cluster", "__address__"]
    assert job["relabel_configs"][-1]["replacement"].endswith(f":{DEFAULT_PORT}")
