"""A Prometheus that does not answer everybody: asked with what its keeper gave, and told plainly when it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest

from alerts import render
from tests.alerts.conftest import tool
from tests.alerts.test_cli import alerts
from tests.processes import Program
from tests.servers import Certificates, free_port


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with a password and without rules."""
    with _running(tmp_path_factory.mktemp("guarded"), {}) as address:
        yield f"http://{address}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[str]:
    """One that has a certificate of an authority of its own, and wants the client's as well as the password."""
    tls = {
        "cert_file": str(certificates.certificate),
        "key_file": str(certificates.key),
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": str(certificates.authority),
    }
    with _running(tmp_path_factory.mktemp("sealed"), {"tls_server_config": tls}) as address:
        yield f"https://{address}"


@contextmanager
def _running(place: Path, web: dict[str, object]) -> Iterator[str]:
    tool("prometheus", "prometheus", "--version")
    secret = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    (place / "web.yaml").write_text(render.dump({"basic_auth_users": {"ali": secret}, **web}))
    (place / "prometheus.yaml").write_text("{}\n")
    address = f"127.0.0.1:{free_port()}"
    files = [f"--config.file={place}/prometheus.yaml", f"--storage.tsdb.path={place}/tsdb"]
    server = Program(
        ["prometheus", *files, f"--web.config.file={place}/web.yaml", f"--web.listen-address={address}"]
    )
    server.wait_for("Server is ready to receive web requests", 30)
    yield address
    server.kill()


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text("ali:open sesame\n")
    return str(file)


@pytest.mark.parametrize("verb", ["check", "backtest"])
def test_without_its_password_it_is_not_asked_twice(verb: str, guarded: str) -> None:
    done = alerts(verb, "--prometheus", guarded)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("; give --basic-auth-file or --bearer-token-file")
    assert "answers 401" in done.stderr


def test_the_rules_loaded_there_are_compared(guarded: str, password: str) -> None:
    done = alerts("check", "--prometheus", guarded, "--basic-auth-file", password)
    assert done.returncode == 1
    assert "BullNoWorkers critical queue: not loaded" in done.stdout


def test_its_history_is_played(guarded: str, password: str) -> None:
    arguments = ("--from", "now-20m", "--basic-auth-file", password)
    done = alerts("backtest", "--prometheus", guarded, *arguments)
    assert done.returncode == 0, done.stderr
    # Nothing is stored, so nothing was ever scraped.
    assert "BullExporterAbsent" in done.stdout.split("did not fire")[0]


def test_history_behind_certificates_is_played(
    sealed: str, certificates: Certificates, password: str
) -> None:
    asked = ("backtest", "--prometheus", sealed, "--from", "now-20m", "--basic-auth-file", password)
    trusting = (*asked, "--ca-file", str(certificates.authority))
    shown = ("--cert-file", str(certificates.certificate), "--key-file", str(certificates.key))
    done = alerts(*trusting, *shown, "--tenant", "shop")
    assert done.returncode == 0, done.stderr
    assert "BullExporterAbsent" in done.stdout.split("did not fire")[0]
    for arguments, remedy in ((asked, "give --ca-file"), (trusting, "--cert-file")):
        refused = alerts(*arguments)
        assert refused.returncode == 2
        assert remedy in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_password_in_the_address_is_used_and_never_shown(guarded: str) -> None:
    right, wrong = (
        guarded.replace("http://", f"http://ali:{word}@") for word in ("open%20sesame", "tell%20me")
    )
    assert alerts("check", "--prometheus", right).returncode == 1
    refused = alerts("check", "--prometheus", wrong)
    assert refused.returncode == 2
    assert "tell" not in refused.stderr


def test_what_can_not_be_read_is_told_in_one_line(guarded: str, tmp_path: Path) -> None:
    done = alerts("check", "--prometheus", guarded, "--bearer-token-file", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        f"--bearer-token-file {tmp_path}/none: No such file or directory"
    )
    assert (
        alerts("check", "--prometheus", "prometheus:9090")
        .stderr.splitlines()[-1]
        .endswith("no address; write one such as http://localhost:9090")
    )
