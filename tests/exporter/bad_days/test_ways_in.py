"""Every way to a Redis: passwords that change, TLS with client certificates, Unix sockets, other databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import Exporter, Start
from tests.exporter.bad_days.looking import eventually, finished, is_up, look, says_nothing_but_down, size
from tests.exporter.bad_days.queues import HandQueue
from tests.exporter.truth.page import Page
from tests.servers import Certificates, Server, free_port


def set_password(redis: Server, password: str) -> None:
    """Give user `bullgauge` one new password and end its connections, as a rotation does."""
    words = ("ACL", "SETUSER", "bullgauge", "on", "resetpass", f">{password}", "~*", "&*", "+@all")
    redis.client().execute_command(*words)
    redis.client().execute_command("CLIENT", "KILL", "USER", "bullgauge")


def test_a_password_file_that_changes_is_read_again(
    exporter: Exporter, server: Start, tmp_path: Path
) -> None:
    redis, file = server(), tmp_path / "password"
    queue = HandQueue(redis.client()).create()
    set_password(redis, "first-secret")
    file.write_text("first-secret\n")
    url = f"redis://bullgauge@127.0.0.1:{redis.port}/0"
    process = exporter(url, "--redis-password-file", str(file))
    queue.finish(2)
    eventually(process, lambda page: finished(page) == 2)
    set_password(redis, "second-secret")
    assert says_nothing_but_down(eventually(process, lambda page: not is_up(page)))
    queue.finish(3)
    file.write_text("second-secret\n")
    eventually(process, lambda page: finished(page) == 5)
    assert not any("secret" in line.replace(str(tmp_path), "") for line in process.program.lines)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\n"])
def test_a_password_file_that_can_not_be_read_is_told_and_waited_for(
    content: bytes | None, exporter: Exporter, server: Start, tmp_path: Path
) -> None:
    redis, file = server(), tmp_path / "password"
    HandQueue(redis.client()).create().add(1)
    set_password(redis, "secret")
    if content is not None:
        file.write_bytes(content)
    url = f"redis://bullgauge@127.0.0.1:{redis.port}/0"
    process = exporter(url, "--redis-password-file", str(file))
    assert says_nothing_but_down(look(process))
    assert any(str(file) in line for line in process.program.lines)
    assert not any("Traceback" in line for line in process.program.lines)
    file.write_text("secret")
    eventually(process, lambda page: size(page, "waiting") == 1)


def test_tls_with_an_authority_and_a_client_certificate(
    exporter: Exporter, server: Start, certificates: Certificates, tmp_path: Path
) -> None:
    port = free_port()
    redis = server("redis7", *certificates.settings(port))
    queue = HandQueue(redis.client()).create()
    others = [HandQueue(redis.client(), f"other-{number}").create() for number in range(120)]
    tls = {
        "ca_file": str(certificates.authority),
        "cert_file": str(certificates.certificate),
        "key_file": str(certificates.key),
    }
    settings = tmp_path / "exporter.yaml"
    settings.write_text(yaml.safe_dump({"redis": {"tls": tls}}))
    process = exporter(f"rediss://127.0.0.1:{port}/0", "--config", str(settings))
    queue.finish(200).add(1)
    # So many queues that their commands are sent while answers are read.
    eventually(process, lambda page: page.value("queue_exporter_queues_discovered") == len(others) + 1)
    page = eventually(process, lambda page: finished(page) == 200)
    assert size(page, "waiting") == 1
    redis.kill()
    assert says_nothing_but_down(look(process))
    redis.start()
    HandQueue(redis.client()).create().finish(1)
    eventually(process, lambda page: finished(page) == 201)


@pytest.mark.parametrize("lacking", ["cert_file", "ca_file"])
def test_tls_without_what_it_needs_is_down_with_a_reason(
    lacking: str, exporter: Exporter, server: Start, certificates: Certificates, tmp_path: Path
) -> None:
    port = free_port()
    server("redis7", *certificates.settings(port))
    tls = {
        "ca_file": str(certificates.authority),
        "cert_file": str(certificates.certificate),
        "key_file": str(certificates.key),
    }
    del tls[lacking]
    if lacking == "cert_file":
        del tls["key_file"]
    settings = tmp_path / "exporter.yaml"
    settings.write_text(yaml.safe_dump({"redis": {"tls": tls}}))
    process = exporter(f"rediss://127.0.0.1:{port}/0", "--config", str(settings))
    assert says_nothing_but_down(look(process))
    assert any("WARNING" in line and str(port) in line for line in process.program.lines)
    assert not any("Traceback" in line for line in process.program.lines)


def test_a_unix_socket(exporter: Exporter, server: Start, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    redis = server("redis7", f"unixsocket {path}")
    queue = HandQueue(redis.client()).create()
    process = exporter(f"unix://{path}?db=0")
    queue.finish(2).add(1)
    page = eventually(process, lambda page: finished(page) == 2)
    assert size(page, "waiting") == 1
    redis.kill()
    assert says_nothing_but_down(look(process))
    redis.start()
    eventually(process, is_up)


def test_each_database_is_a_target_of_its_own(exporter: Exporter, server: Start, tmp_path: Path) -> None:
    redis = server()
    queues = {db: HandQueue(redis.client(db=db)).create() for db in (0, 3)}
    settings = tmp_path / "exporter.yaml"
    other = {"name": "third", "redis": {"url": redis.url, "database": 3}}
    settings.write_text(yaml.safe_dump({"targets": [other]}))
    process = exporter(redis.url, "--config", str(settings))
    queues[0].finish(2).add(1)
    queues[3].finish(5).add(4)
    page = eventually(process, lambda page: finished(page) == 2)
    assert size(page, "waiting") == 1
    eventually(process, lambda _: finished(Page(process.get("/probe?target=third"))) == 5)
    assert size(Page(process.get("/probe?target=third")), "waiting") == 4


def test_pub_sub_of_another_database_is_not_taken_for_ones_own(exporter: Exporter, server: Start) -> None:
    """Channels know no databases: Bull jobs of database 0 are heard in 3 as well, and are none of its jobs."""
    redis = server()
    own = HandQueue(redis.client(db=3), "legacy")
    own.client.set(own.key("id"), 1)
    process = exporter(f"redis://127.0.0.1:{redis.port}/3")
    eventually(process, lambda page: finished(page, "legacy") == 0)
    stranger = HandQueue(redis.client(db=0), "stranger")
    stranger.client.set(stranger.key("id"), 1)
    for channel, message in (("waiting@t", "7"), ("active@t", "7"), ("completed", '{"jobId":"7"}')):
        stranger.client.publish(f"bull:stranger:{channel}", message)
    own.client.publish("bull:legacy:active@t", "1")
    own.client.publish("bull:legacy:completed", '{"jobId":"1"}')
    page = eventually(process, lambda page: finished(page, "legacy") == 1)
    assert finished(page, "stranger") is None
