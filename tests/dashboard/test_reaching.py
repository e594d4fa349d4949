"""Knows how the dashboard reaches servers that ask who it is: TLS, passwords, tokens, tenants, path prefixes."""

from __future__ import annotations

import math
import os
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pandas as pd
import pytest

from dashboard.choices import chosen
from dashboard.cli import parser
from dashboard.settings import Settings, SettingsError
from dashboard.sources.exporter import ExporterSource
from dashboard.sources.prometheus import PrometheusSource
from dashboard.sources.source import SourceError, Span
from exporter import catalogue as c
from tests.dashboard import recorded
from tests.dashboard.apps import demo_plan, numbers, on_prometheus, screen, whole_app
from tests.dashboard.ill import IllServer
from tests.processes import Program
from tests.servers import Certificates, free_port, missing

SPAN = Span(0, 60, 60)
PREFIX = "/monitoring/prometheus"


def settings(*arguments: str) -> Settings:
    """What the command line says."""
    return chosen(parser().parse_args([*arguments, "--listen", "127.0.0.1:0"]))


def answered(url: str, *arguments: str) -> float:
    """The answer to a question whose answer everybody knows, asked as the command would."""
    said = settings("--prometheus", url, *arguments)
    return float(PrometheusSource(said.url, said.access).ask("vector(42)", (), SPAN)["value"].iloc[0])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[str]:
    """A Prometheus below a path, that wants TLS, a certificate of whoever asks, and a password; gives its address."""
    if shutil.which("prometheus") is None:
        missing("prometheus", "apt-get install prometheus")
    folder = tmp_path_factory.mktemp("guarded")
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    (folder / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {certificates.certificate}\n  key_file: {certificates.key}\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {certificates.authority}\n"
        f"basic_auth_users:\n  ali: {hashed}\n"
    )
    (folder / "prometheus.yml").write_text("{}\n")
    port = free_port()
    program = Program([
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={folder}/web.yml",
        f"--web.route-prefix={PREFIX}",
    ])  # fmt: skip
    program.wait_for("Server is ready to receive web requests")
    yield f"https://127.0.0.1:{port}{PREFIX}"
    program.stop()


@pytest.fixture
def papers(tmp_path: Path, certificates: Certificates) -> dict[str, str]:
    """All that the guarded server wants, by option."""
    (tmp_path / "password").write_text("ali:open sesame\n")
    return {
        "--basic-auth-file": str(tmp_path / "password"),
        "--ca-file": str(certificates.authority),
        "--cert-file": str(certificates.certificate),
        "--key-file": str(certificates.key),
    }


def words(papers: dict[str, str], *without: str) -> list[str]:
    return [word for pair in papers.items() if pair[0] not in without for word in pair]


def test_a_prometheus_behind_tls_a_password_and_a_path_is_reached(
    guarded: str, papers: dict[str, str]
) -> None:
    assert answered(guarded, *words(papers)) == 42
    assert answered(f"{guarded}/", *words(papers)) == 42


def test_a_password_may_stand_in_the_address_and_is_shown_nowhere(
    guarded: str, papers: dict[str, str]
) -> None:
    url = guarded.replace("https://", "https://ali:open%20sesame@")
    rest = words(papers, "--basic-auth-file")
    assert answered(url, *rest) == 42
    said = settings("--prometheus", url.replace("sesame", "sesam"), *rest)
    source = PrometheusSource(said.url, said.access)
    with pytest.raises(SourceError, match="answers 401") as told:
        source.newest_seconds()
    assert "sesam" not in f"{told.value}{source.name}{said!r}"
    with pytest.raises(SettingsError) as refused:
        settings("--prometheus", "ftp://ali:sesame@there")
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (("--basic-auth-file",), "answers 401 Unauthorized; give --bearer-token-file, --basic-auth-file"),
        (("--ca-file",), "can't be verified (unable to get local issuer certificate); give --ca-file"),
        (("--cert-file", "--key-file"), "--cert-file"),
    ],
)
def test_what_is_missing_is_told_with_the_option_that_gives_it(
    guarded: str, papers: dict[str, str], without: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SourceError) as told:
        answered(guarded, *words(papers, *without))
    assert said in str(told.value) and "\n" not in str(told.value)


def test_a_wrong_path_or_scheme_is_told(guarded: str, papers: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="answers 404 Not Found; the address must be the one below which"):
        answered(guarded.removesuffix(PREFIX), *words(papers))
    with pytest.raises(SourceError, match="an HTTP request to an HTTPS server"):
        answered(guarded.replace("https:", "http:"))


def test_a_password_that_was_changed_is_used_without_a_restart(guarded: str, papers: dict[str, str]) -> None:
    file = Path(papers["--basic-auth-file"])
    file.write_text("ali:wrong\n")
    said = settings("--prometheus", guarded, *words(papers))
    source = PrometheusSource(said.url, said.access)
    with pytest.raises(SourceError, match="answers 401"):
        source.newest_seconds()
    file.write_text("ali:open sesame\n")
    assert source.newest_seconds() is None
    file.unlink()
    with pytest.raises(SourceError, match=r"--basic-auth-file .*No such file"):
        source.newest_seconds()


def test_an_exporter_behind_tls_and_a_password_is_reached(
    exporter, redis_server, tmp_path: Path, certificates: Certificates, papers: dict[str, str]
) -> None:
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {certificates.certificate}\n  key_file: {certificates.key}\n"
        f"basic_auth_users:\n  ali: {hashed}\n"
    )
    process = exporter(redis_server.url, "--web-config", str(tmp_path / "web.yml"))
    said = settings("--exporter", process.url.replace("http:", "https:"), *words(papers))
    source = ExporterSource(said.url, said.access)
    source.look(100.0)
    assert source.gauge(c.REDIS_UP, (), Span(90, source.history.last_seconds or 0, 10))["value"].iloc[-1] == 1


# --- Mimir, Thanos, VictoriaMetrics --------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[IllServer]:
    made = IllServer()
    made.illness = "empty"
    yield made
    made.stop()


def test_tenant_token_headers_and_parameters_go_with_each_question(server: IllServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    (tmp_path / "headers").write_text("X-Team: blue\n")
    said = settings(
        *("--prometheus", f"{server.url}/prometheus", "--tenant", "team-a"),
        *("--bearer-token-file", str(tmp_path / "token"), "--headers-file", str(tmp_path / "headers")),
        *("--query-parameter", "dedup=true"),
    )
    PrometheusSource(said.url, said.access).gauge(c.SIZE, ("queue",), SPAN)
    [(path, headers, form)] = server.asked
    assert path == "/prometheus/api/v1/query_range"
    lower = {name.lower(): value for name, value in headers.items()}
    assert (lower["x-scope-orgid"], lower["authorization"], lower["x-team"]) == (
        "team-a",
        "Bearer abc",
        "blue",
    )
    fields = dict(urllib.parse.parse_qsl(form))
    assert (fields["dedup"], fields["step"]) == ("true", "60.000")
    # Nor may they take a part for the whole, in the words of the one and of the other.
    assert (fields["partial_response"], fields["deny_partial_response"]) == ("false", "1")


@pytest.fixture
def gateway(prometheus: recorded.RecordedPrometheus, tmp_path: Path) -> Iterator[str]:
    """A real nginx that lets only one tenant through to a real Prometheus, below a path; gives its address."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        missing("nginx", "apt-get install nginx")
    port = free_port()
    places = " ".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr notice; worker_processes 1; events {{}}\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port}; location /mimir/prometheus/ {{\n"
        '  if ($http_x_scope_orgid != "team-a") { return 401 "no org id"; }\n'
        f"  proxy_pass {prometheus.url}/;\n}} }} }}\n"
    )
    running = Program([nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
    running.wait_for("start worker process")
    yield f"http://127.0.0.1:{port}/mimir/prometheus"
    running.stop()


def test_a_tenant_is_let_through_a_gateway_to_what_prometheus_itself_says_and_others_are_not(
    gateway: str, prometheus: recorded.RecordedPrometheus
) -> None:
    span = Span(prometheus.end_seconds - 600, prometheus.end_seconds, 600)

    def waited(url: str, *arguments: str) -> pd.DataFrame:
        said = settings("--prometheus", url, *arguments)
        return PrometheusSource(said.url, said.access).increase(c.JOB_WAIT, ("queue",), span, part="count")

    through = waited(gateway, "--tenant", "team-a")
    assert through.to_numpy().sum() > 100
    pd.testing.assert_frame_equal(through, waited(prometheus.url))
    with pytest.raises(SourceError, match="answers 401"):
        waited(gateway, "--tenant", "team-b")


def test_who_wants_a_part_rather_than_nothing_says_so(server: IllServer) -> None:
    said = settings("--prometheus", server.url, "--query-parameter", "partial_response=true")
    assert said.access.fields["partial_response"] == "true"


@pytest.mark.parametrize(
    ("words_", "said"),
    [
        (("--query-parameter", "dedup"), "must be NAME=VALUE"),
        (("--query-parameter", "step=5"), "the dashboard sets step itself"),
        (("--timeout", "0"), "--timeout 0: must be seconds above 0"),
        (("--cert-file", "nowhere.pem"), "--key-file"),
        (("--ca-file", "nowhere.pem"), "nowhere.pem: No such file"),
    ],
)
def test_a_mistake_in_the_options_is_told_before_anything_is_asked(
    words_: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SettingsError) as told:
        settings("--prometheus", "http://127.0.0.1:9", *words_)
    assert said in str(told.value) and "\n" not in str(told.value)


@dataclass(frozen=True, slots=True)
class Victoria:
    """The address of its Prometheus part, and by how much the recording was moved: it holds back the newest 30 s."""

    url: str
    shift_seconds: int


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victoria]:
    """A real VictoriaMetrics below a path, that holds the recording."""
    if shutil.which("victoria-metrics") is None:
        pytest.skip("victoria-metrics is not in every Debian; where it is: apt-get install victoria-metrics")
    port = free_port()
    program = Program([
        "victoria-metrics", f"-storageDataPath={tmp_path_factory.mktemp('victoria')}", "-retentionPeriod=100y",
        f"-httpListenAddr=127.0.0.1:{port}", "-http.pathPrefix=/select/0",
    ])  # fmt: skip
    program.wait_for("started VictoriaMetrics")
    url = f"http://127.0.0.1:{port}/select/0"
    shift_seconds = round(time.time() - recorded.looks()[-1].at) - 40
    lines = recorded.open_metrics(shift_seconds).splitlines()
    text = "\n".join(_in_milliseconds(line) for line in lines if line[:1] != "#")
    urllib.request.urlopen(f"{url}/api/v1/import/prometheus", text.encode()).close()
    urllib.request.urlopen(f"{url}/internal/force_flush").close()
    yield Victoria(f"{url}/prometheus", shift_seconds)
    program.stop()


def _in_milliseconds(line: str) -> str:
    sample, _, seconds = line.rpartition(" ")
    return f"{sample} {float(seconds) * 1000:.0f}"


def test_victoriametrics_answers_as_the_pages_tell(victoria: Victoria) -> None:
    """Held against the pages themselves: sizes of the last one, and what was counted between two of them."""
    looks = recorded.looks()
    end = math.ceil((looks[-1].at + victoria.shift_seconds) / 15) * 15.0
    source = PrometheusSource(victoria.url)
    sizes = source.gauge(c.SIZE, ("queue", "state"), Span(end - 60, end, 60))
    told = {key: float(value) for key, value in sizes.iloc[-1].items()}
    assert len(told) > 50
    assert told == {(queue, state): _of(looks[-1].page, c.SIZE.name, queue, state) for queue, state in told}
    first = next(look for look in looks if look.at >= looks[-1].at - 240)
    begin, last = first.at + victoria.shift_seconds, looks[-1].at + victoria.shift_seconds
    grown = source.increase(c.PROCESSED, ("queue", "status"), Span(begin, last, last - begin))
    for queue, status in grown.columns:
        here, there = (_of(look.page, c.PROCESSED.name, queue, status) for look in (first, looks[-1]))
        # It counts from the last sample before the stretch, a look earlier.
        assert there - here <= grown[queue, status].iloc[-1] <= there - here + 3
    steps = source.gauge(c.SIZE, ("queue",), Span(end - 300, end, 5.0))
    assert len(steps) == 60 and steps.iloc[5:].notna().to_numpy().all()


def _of(page: str, name: str, queue: str, label: str) -> float:
    [line] = [one for one in page.splitlines()
              if one.startswith(name) and f'queue="{queue}"' in one and f'"{label}"' in one]  # fmt: skip
    value = float(line.rpartition(" ")[2])
    assert not math.isnan(value)
    return value


def test_victoriametrics_that_holds_nothing_or_the_recording_is_told_apart(victoria: Victoria) -> None:
    assert PrometheusSource(victoria.url, select={"job": "nobody"}).newest_seconds() is None
    newest = PrometheusSource(victoria.url).newest_seconds()
    told = max(_moments(recorded.looks()[-1].page)) + victoria.shift_seconds
    assert newest == pytest.approx(told, abs=1e-3)


def _moments(page: str) -> list[float]:
    lines = [line for line in page.splitlines() if line.startswith(c.LAST_SUCCESS.name)]
    return [float(line.rpartition(" ")[2]) for line in lines]


@pytest.mark.parametrize("name", ["overview", "queue", "connections", "forecast", "compare"])
def test_screens_are_drawn_from_victoriametrics(victoria: Victoria, name: str) -> None:
    what = on_prometheus(victoria.url, demo_plan())
    app = (
        whole_app(what) if name == "overview" else screen(what, name, "reports" if name == "queue" else None)
    )
    assert not app.exception and not app.error
    assert "nothing here is of now" not in "".join(one.value for one in app.warning)
    if name in ("overview", "queue"):
        assert "not known" not in numbers(app)["Finished"]
