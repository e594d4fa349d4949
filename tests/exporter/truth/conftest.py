"""Knows how the truth tests share their runs: each library works once on each server asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.exporter.truth import runs
from tests.exporter.truth.notes import QueueTruth
from tests.exporter.truth.page import Page
from tests.exporter.truth.runs import Run
from tests.servers import Server

Runs = Callable[[str, str], Run]


@dataclass(frozen=True, slots=True)
class Seen:
    """One queue of one run: what its workers noted and what the page says of it."""

    library: str
    truth: QueueTruth
    run: Run
    labels: dict[str, str]

    @property
    def page(self) -> Page:
        return self.run.page

    def checkpoint(self, label: str) -> Page:
        return self.run.checkpoints[self.truth.name, label]


@pytest.fixture(scope="session")
def played(shared_servers: Callable[[str], Server]) -> Runs:
    """`played(library, kind)`: the run of a library on a kind of server, played when first asked for."""
    done: dict[tuple[str, str], Run] = {}

    def get(library: str, kind: str) -> Run:
        if (library, kind) not in done:
            runs.install_libraries()
            done[library, kind] = runs.play(library, shared_servers(kind))
        return done[library, kind]

    return get


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`seen` stands for every queue of every run, `run` for every run."""
    if "seen" in metafunc.fixturenames:
        every = [(*case, name) for case in runs.cases() for name in runs.scenarios_of(case[0])]
        metafunc.parametrize("seen", every, indirect=True, ids="-".join)
    elif "run" in metafunc.fixturenames:
        metafunc.parametrize("run", runs.cases(), indirect=True, ids="-".join)


@pytest.fixture
def run(request: pytest.FixtureRequest, played: Runs) -> Run:
    return played(*request.param)


@pytest.fixture
def seen(request: pytest.FixtureRequest, played: Runs) -> Seen:
    library, kind, scenario = request.param
    run = played(library, kind)
    truth = run.queues[f"{library}-{scenario}"]
    return Seen(library, truth, run, {"prefix": run.prefix, "queue": truth.name})
