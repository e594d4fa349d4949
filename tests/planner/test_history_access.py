"""Proves that fit and forecast reach servers as these are guarded in life, and that no message holds a secret.

A real Prometheus with TLS, client certificates and passwords; a real exporter; and programs that show what was sent.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import bcrypt
import pytest

from planner import cli
from planner.stored.http import address
from planner.stored.http_access import Access
from tests.conftest import ExporterProcess
from tests.planner.stored import served, take_in
from tests.servers import Certificates, Server

BEGIN, DAYS, SCRAPE = 1_761_523_200, 4, 600
END = BEGIN + DAYS * 86400
SECRET = "not-to-be-told"
RANGE = ["--from", str(BEGIN), "--to", str(END)]


def lines() -> Iterator[str]:
    """A job every ten seconds of half a second each."""
    whose = 'job="bullgauge",prefix="bull",queue="email"'
    every = range(BEGIN, END + 1, SCRAPE)
    rows = {
        'queue_redis_up{job="bullgauge"}': 0.0,
        "queue_job_wait_seconds_count{%s}": 0.1,
        'queue_job_duration_seconds_sum{%s,job_type="a",status="completed"}': 0.05,
        'queue_job_duration_seconds_count{%s,job_type="a",status="completed"}': 0.1,
        'queue_job_duration_seconds_bucket{%s,job_type="a",status="completed",le="+Inf"}': 0.1,
    }
    for row, each in rows.items():
        yield from (f"{row.replace('%s', whose)} {each * (moment - BEGIN):.3f} {moment}" for moment in every)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A Prometheus that asks for a certificate and a password, and files with the right answers."""

    url: str
    place: Path
    certificates: Certificates

    @property
    def trust(self) -> list[str]:
        return ["--ca-file", str(self.certificates.authority)]

    @property
    def pair(self) -> list[str]:
        own = self.certificates
        return ["--cert-file", str(own.certificate), "--key-file", str(own.key)]

    @property
    def password(self) -> list[str]:
        return ["--basic-auth-file", str(self.place / "pair")]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Guarded]:
    place = tmp_path_factory.mktemp("guarded")
    take_in(place, lines())
    hashed = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
    web = {
        "tls_server_config": {
            "cert_file": str(certificates.certificate),
            "key_file": str(certificates.key),
            "client_ca_file": str(certificates.authority),
            "client_auth_type": "RequireAndVerifyClientCert",
        },
        "basic_auth_users": {"reader": hashed},
    }
    (place / "web.yaml").write_text(json.dumps(web))
    (place / "pair").write_text(f"reader:{SECRET}\n")
    with served(place, f"--web.config.file={place}/web.yaml", "--web.route-prefix=/metrics-of/team") as where:
        yield Guarded(f"https://{where}/metrics-of/team", place, certificates)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a refused command writes, which holds no secret."""
    assert cli.main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1, err
    assert SECRET not in err
    return err


def test_a_prometheus_behind_tls_a_certificate_and_a_password_is_asked(
    guarded: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--prometheus", guarded.url, *RANGE, *guarded.trust, *guarded.pair, *guarded.password, "--json"]
    for verb in ("fit", "forecast"):
        assert cli.main([verb, *words]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["origin"] == guarded.url
        [queue] = found["queues"]
        assert queue["name"] == "email"
    assert queue["peak"]["jobs"] == pytest.approx(360, rel=0.05)


def test_what_is_missing_at_each_guard_is_told_with_the_option_that_gives_it(
    guarded: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "--prometheus", guarded.url, *RANGE]
    assert "can't be verified" in (line := told(capsys, *words)) and "--ca-file" in line
    assert "--cert-file" in told(capsys, *words, *guarded.trust)
    assert (
        "401" in (line := told(capsys, *words, *guarded.trust, *guarded.pair)) and "--basic-auth-file" in line
    )
    wrong = guarded.place / "wrong"
    wrong.write_text(f"reader:{SECRET}er")
    line = told(capsys, *words, *guarded.trust, *guarded.pair, "--basic-auth-file", str(wrong))
    assert "answers 401" in line


def test_a_guarded_exporter_is_read_with_the_same_words(
    tmp_path: Path,
    redis_server: Server,
    exporter: Callable[..., ExporterProcess],
    capsys: pytest.CaptureFixture[str],
) -> None:
    hashed = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yaml").write_text(json.dumps({"basic_auth_users": {"reader": hashed}}))
    (tmp_path / "pair").write_text(f"reader:{SECRET}")
    url = exporter(redis_server.url, "--web-config", str(tmp_path / "web.yaml")).url
    words = ["fit", "--exporter", url, "--for", "1s"]
    assert "answers 401" in told(capsys, *words)
    assert "the page has no queue" in told(capsys, *words, "--basic-auth-file", str(tmp_path / "pair"))


# --- what is sent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listener:
    """A program that answers as an empty Prometheus, or as it is told, and keeps the headers that were sent."""

    url: str
    sent: list[dict[str, str]]


@pytest.fixture
def listening() -> Iterator[Callable[..., Listener]]:
    servers = []

    def start(status: int = 200, body: str = '{"data":{"result":[]}}', **headers: str) -> Listener:
        sent: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sent.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return Listener(f"http://127.0.0.1:{servers[-1].server_port}", sent)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_token_a_tenant_and_further_headers_are_sent(
    listening: Callable[..., Listener], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = listening()
    (tmp_path / "token").write_text(f"{SECRET}\n")
    (tmp_path / "headers").write_text("# of the proxy\n\nX-Team: capacity\nX-Key:  a b \n")
    words = ["--bearer-token-file", str(tmp_path / "token"), "--headers-file", str(tmp_path / "headers")]
    line = told(capsys, "fit", "--prometheus", server.url, *RANGE, *words, "--tenant", "shop")
    assert "holds no queue" in line
    for sent in server.sent:
        assert sent["authorization"] == f"Bearer {SECRET}"
        assert (sent["x-team"], sent["x-key"], sent["x-scope-orgid"]) == ("capacity", "a b", "shop")


def test_a_secret_comes_from_the_environment_through_a_pipe(
    listening: Callable[..., Listener], capsys: pytest.CaptureFixture[str]
) -> None:
    server = listening()
    read, write = os.pipe()
    os.write(write, SECRET.encode())
    os.close(write)
    told(capsys, "fit", "--prometheus", server.url, *RANGE, "--bearer-token-file", f"/dev/fd/{read}")
    os.close(read)
    assert server.sent[0]["authorization"] == f"Bearer {SECRET}"


def test_no_header_is_carried_to_another_server(
    listening: Callable[..., Listener], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = listening()
    first = listening(302, Location=f"{other.url}/login?next={SECRET}")
    (tmp_path / "token").write_text(SECRET)
    for source in ("--prometheus", "--exporter"):
        words = ["fit", source, first.url, "--for", "1s", "--bearer-token-file", str(tmp_path / "token")]
        assert f"leads to {other.url}/login" in told(capsys, *words)
    assert not other.sent


def test_what_a_server_says_of_its_refusal_is_told(
    listening: Callable[..., Listener], capsys: pytest.CaptureFixture[str]
) -> None:
    mimir = listening(401, "no org id\n", Content_Type="text/plain; charset=utf-8")
    assert "answers 401: no org id" in told(capsys, "fit", "--prometheus", mimir.url)
    proxy = listening(403, "<html><body>no</body></html>", Content_Type="text/html")
    assert "answers 403: Forbidden" in told(capsys, "fit", "--prometheus", proxy.url)


WRONG = {
    "two lines": ("--bearer-token-file", f"{SECRET}\nmore", "holds 2 lines"),
    "nothing": ("--bearer-token-file", "\n", "holds 0 lines"),
    "no token at all": ("--bearer-token-file", f"{SECRET}\x00", "what no header may"),
    "no pair": ("--basic-auth-file", SECRET, "must hold USER:PASSWORD"),
    "no header": ("--headers-file", f"X-Team: a\n{SECRET}\n", ":2: write a line such as"),
    "no name": ("--headers-file", f"X Team: {SECRET}\n", ":1: write a line such as"),
    "no text": ("--headers-file", f"X-Team: {SECRET}…\n", ":1: the value of X-Team holds what no header may"),
    "twice": ("--headers-file", f"x-team: a\nX-Team: {SECRET}\n", ":2: X-Team is given twice"),
    "no certificate": ("--ca-file", SECRET, "no certificate in the file"),
    "no key": ("--cert-file", SECRET, "give --key-file too"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_can_not_be_used_is_told_without_what_it_holds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    option, text, said = WRONG[name]
    monkeypatch.chdir(tmp_path)
    Path("file").write_text(text)
    line = told(capsys, "fit", "--prometheus", "https://localhost:1", option, "file")
    assert said in line and f"{option} file" in line


@pytest.mark.parametrize("option", ["bearer-token", "basic-auth", "headers", "ca", "cert"])
def test_a_file_that_is_not_there_is_told(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--{option}-file", "none", *(["--key-file", "none"] if option == "cert" else [])]
    line = told(capsys, "forecast", "--prometheus", "https://localhost:1", *words)
    assert f"--{option}-file none" in line and "none: No such file" in line


def test_a_header_is_given_once_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one").write_text(f"reader:{SECRET}")
    words = ["fit", "--prometheus", "http://localhost:1", "--basic-auth-file", str(tmp_path / "one")]
    assert "Authorization is given twice" in told(
        capsys, *words, "--bearer-token-file", str(tmp_path / "one")
    )
    words[2] = f"http://reader:{SECRET}@localhost:1"
    assert "in the address and in a file" in told(capsys, *words)


@pytest.mark.parametrize("url", ["htp://reader:{}@host", "http://reader:{}@host:99999", "http://r:{}@[host"])
def test_an_address_that_is_none_is_told_without_its_password(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no address" in told(capsys, "fit", "--prometheus", url.format(SECRET))


def test_no_repr_holds_a_secret() -> None:
    access = Access({"Authorization": f"Bearer {SECRET}"})
    assert SECRET not in repr(access)
    assert SECRET not in repr(address("--prometheus", "http://localhost:1", 1.0, access))
    assert SECRET not in repr(address("--prometheus", f"http://reader:{SECRET}@localhost:1", 1.0))
