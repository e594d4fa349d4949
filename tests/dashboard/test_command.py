"""Knows how the command begins, what it refuses and in which words, and that it ends without leaving anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.choices import chosen
from dashboard.cli import main, parser
from dashboard.settings import SettingsError, read_select
from tests.processes import Program

WARNED = "everybody who reaches this address"
ANYWHERE = ["--prometheus", "http://127.0.0.1:9"]


def ended(*arguments: str) -> tuple[int, list[str]]:
    """Exit status and stderr of a command that doesn't begin to serve."""
    command = [sys.executable, "-m", "dashboard", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prometheus", "localhost:9090"], "must be an address such as http://localhost:9090"),
        ([*ANYWHERE, "--listen", "8501"], "must be HOST:PORT"),
        ([*ANYWHERE, "--bearer-token-file", "nowhere"], "--bearer-token-file nowhere: No such file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], said: str) -> None:
    status, lines = ended(*arguments)
    assert status == 2
    [line] = lines
    assert line.startswith("bullgauge-dashboard: ") and said in line


def test_a_file_that_is_not_there_or_has_a_mistake_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fleet.yaml"
    assert main([*ANYWHERE, "--config", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("bullgauge-dashboard: ") and f"{file}: No such file" in line
    file.write_text("queues:\n  - {name: email, slots: 5, jobs_per_hour: 100}\n  - {name: sms, slots: -1}\n")
    assert main([*ANYWHERE, "--config", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{file}:3" in line and "slots" in line


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, [line] = ended(*ANYWHERE, "--listen", f"127.0.0.1:{port}")
    assert status == 2
    assert f"--listen 127.0.0.1:{port}" in line and "choose another address" in line


def test_without_a_source_the_usage_says_which_there_are() -> None:
    status, lines = ended()
    assert status == 2
    assert "--prometheus --exporter --demo" in lines[-1]


def test_an_address_that_others_reach_is_warned_about() -> None:
    program = Program([sys.executable, "-m", "dashboard", *ANYWHERE, "--listen", "0.0.0.0:0"])
    try:
        program.wait_for("listening on http://0.0.0.0:")
    finally:
        program.stop()
    assert any(WARNED in line for line in program.lines)


def test_the_demo_begins_by_itself_warns_of_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "dashboard", "--demo", "--listen", "127.0.0.1:0"]
    program = Program(command, env=environment)
    try:
        program.wait_for("listening on ", seconds=40)
    finally:
        assert program.stop(seconds=30) == 0, program.tail()
    assert list(tmp_path.iterdir()) == []
    assert not any(WARNED in line for line in program.lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trusted-proxy", "10.0.0.7"], "--trusted-proxy 10.0.0.7: needs --user-header"),
        (
            ["--user-header", "X-User", "--trusted-proxy", "10.0.0.7/24"],
            "--trusted-proxy: 10.0.0.7/24 has host bits",
        ),
        (["--allow", "me@example.com"], "--allow me@example.com: needs --login or --user-header"),
        (["--user-header", "X-User", "--allow", "@"], "--allow: must be a name"),
        (["--login", "--user-header", "X-User"], "leave one of them out"),
    ],
)
def test_who_may_look_is_refused_where_it_says_nothing(arguments: list[str], said: str) -> None:
    with pytest.raises(SettingsError) as told:
        chosen(parser().parse_args([*ANYWHERE, "--listen", "127.0.0.1:0", *arguments]))
    assert said in str(told.value) and "\n" not in str(told.value)


def test_headers_come_from_a_file_and_stand_in_no_repr(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("# for Mimir\nX-Scope-OrgID: team-a\n\nX-Key: very-secret\n")
    options = parser().parse_args([*ANYWHERE, "--listen", "127.0.0.1:0", "--headers-file", str(file)])
    settings = chosen(options)
    assert settings.access.papers().headers == {"X-Scope-OrgID": "team-a", "X-Key": "very-secret"}
    assert "very-secret" not in repr(settings)
    file.write_text("X-Scope-OrgID\n")
    with pytest.raises(SettingsError, match=":1: write a line such as"):
        chosen(options)


def test_series_are_selected_by_job_unless_told_otherwise() -> None:
    assert dict(read_select([])) == {"job": "bullgauge"}
    assert dict(read_select(["job=queues", "cluster=west"])) == {"job": "queues", "cluster": "west"}
    with pytest.raises(SettingsError, match="LABEL=VALUE"):
        read_select(["cluster"])
