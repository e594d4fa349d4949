"""Literals of a Node application are read as they stand, and what is wrong in them is told with its line."""

import json

import pytest

from planner.cli import main

LITERALS = """{ name: "email", concurrency: 5, priority: true }, { name: "reports", concurrency: 2, priority: true },
{ name: "notifications", concurrency: 10, priority: true },
{ name: "route-optimization", concurrency: 1, priority: false }
"""
BLOCKS = """# as in the report
queues:
{ name: "email", concurrency: 25, priority: true, maxMemoryMB: 512 },
{ name: "reports", concurrency: 15, priority: true, service: { law: exponential, mean: 20s } }

pool:
  minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000, idleTimeoutMs: 30000

job_failure_rate:
  warning: >2%
  critical: >5%
"""


def asked(folder, capsys, verb: str, text: str) -> dict:
    path = folder / "fleet.yaml"
    path.write_text(text)
    assert main([verb, str(path), "--json"]) in (0, 1)
    return json.loads(capsys.readouterr().out)


def test_a_list_of_literals_needs_no_brackets(tmp_path, capsys):
    queues = {q["name"]: q["slots"] for q in asked(tmp_path, capsys, "predict", LITERALS)["queues"]}
    assert queues == {"email": 5, "reports": 2, "notifications": 10, "route-optimization": 1}


def test_blocks_of_the_report_stand_in_one_file_as_they_are(tmp_path, capsys):
    queues = {q["name"]: q["slots"] for q in asked(tmp_path, capsys, "predict", BLOCKS)["queues"]}
    assert queues == {"email": 25, "reports": 15}
    [pool] = asked(tmp_path, capsys, "pool", BLOCKS)["pools"]
    assert pool["connections"] == 25
    fields = "minConnections: 5, maxConnections: 25, acquireTimeoutMs: 10000, idleTimeoutMs: 30000"
    one_a_line = BLOCKS.replace(fields, fields.replace(", ", ",\n  "))
    assert asked(tmp_path, capsys, "pool", one_a_line)["pools"][0]["connections"] == 25


@pytest.mark.parametrize(
    ("was", "wrong", "line", "told"),
    [
        ("concurrency: 15", "concurency: 15", 4, "did you mean concurrency?"),
        ("acquireTimeoutMs: 10000", "acquireTimeoutMs: soon", 7, "acquireTimeoutMs"),
    ],
)
def test_what_is_wrong_in_them_is_told_with_its_line(tmp_path, capsys, was, wrong, line, told):
    path = tmp_path / "fleet.yaml"
    path.write_text(BLOCKS.replace(was, wrong))
    assert main(["predict", str(path)]) == 2
    error = capsys.readouterr().err
    assert (
        error.startswith(f"bullgauge-planner: {path}:{line}: ") and told in error and error.count("\n") == 1
    )
