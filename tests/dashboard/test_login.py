"""Knows who gets to see the page: whom a real OpenID Connect provider, or a real proxy, has named, and nobody else."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.documents import ROOT
from tests.processes import Program
from tests.servers import Certificates, free_port, missing

NOWHERE = ("--prometheus", "http://127.0.0.1:9")
WAIT_MS = 20_000
HEADER = "X-Forwarded-User"
PROXY = "127.0.0.2"
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """`visitor(**settings)`: somebody with a browser that knows nothing yet."""
    made: list[BrowserContext] = []

    def come(**settings: object) -> BrowserContext:
        made.append(browser.new_context(**settings))  # type: ignore[arg-type]
        return made[-1]

    yield come
    for one in made:
        one.close()


def dashboard(folder: Path, *arguments: str) -> tuple[Program, int]:
    """The command in a folder of its own, and its port."""
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    port = free_port()
    command = [sys.executable, "-m", "dashboard", *NOWHERE, "--listen", f"127.0.0.1:{port}", *arguments]
    program = Program(command, cwd=folder, env=environment)
    program.wait_for("listening on ", 30)
    return program, port


# --- OpenID Connect ------------------------------------------------------------------------------------------------

PEOPLE = (
    {"sub": "alice", "email": "alice@example.com", "email_verified": True},
    {"sub": "mallory", "email": "mallory@example.com.evil", "email_verified": True},
    {"sub": "trudy", "email": "alice@example.com", "email_verified": False},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A real provider: discovery, keys, code flow, end of the session; gives its address."""
    port = free_port()
    people = [word for one in PEOPLE for word in ("--user-claims", json.dumps(one))]
    program = Program([sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people])
    program.wait_for("Uvicorn running on", 30)
    yield f"http://127.0.0.1:{port}"
    program.stop()


def secrets(folder: Path, provider: str, port: int, **changed: str) -> None:
    said = {
        "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback", "cookie_secret": "0123456789abcdef" * 2,
        "client_id": "bullgauge", "client_secret": "a secret",
        "server_metadata_url": f"{provider}/.well-known/openid-configuration", **changed,
    }  # fmt: skip
    (folder / ".streamlit").mkdir(exist_ok=True)
    lines = [f'{name} = "{value}"' for name, value in said.items() if value]
    (folder / ".streamlit/secrets.toml").write_text("\n".join(["[auth]", *lines, ""]))


@pytest.fixture(scope="module")
def guarded(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard for one domain, behind the provider."""
    folder = tmp_path_factory.mktemp("login")
    secrets(folder, provider, 0, redirect_uri="http://127.0.0.1:{port}/oauth2callback")
    program, port = dashboard(folder, "--login", "--allow", "@example.com")
    yield f"http://127.0.0.1:{port}"
    assert program.stop() == 0
    assert not [line for line in program.lines if "Traceback" in line]


def log_in(context: BrowserContext, address: str, sub: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Log in").click(timeout=WAIT_MS)
    page.get_by_role("button", name=sub, exact=True).click(timeout=WAIT_MS)
    return page


def test_who_logs_in_at_the_provider_sees_the_page_and_their_name_until_they_log_out(
    guarded: str, visitor: Callable[..., BrowserContext]
) -> None:
    context = visitor()
    page = log_in(context, guarded, "alice")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("alice@example.com")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="End session").click(timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("heading", name="Overview")).not_to_be_visible()


@pytest.mark.slow
def test_a_login_holds_in_another_tab_and_at_another_address(
    guarded: str, visitor: Callable[..., BrowserContext]
) -> None:
    context = visitor()
    page = log_in(context, guarded, "alice")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=WAIT_MS)
    again = context.new_page()
    again.goto(f"{guarded}/connections")
    expect(again.get_by_role("heading", name="Connections")).to_be_visible(timeout=WAIT_MS)


@pytest.mark.slow
def test_without_a_login_and_with_a_made_up_cookie_nothing_is_seen(
    guarded: str, visitor: Callable[..., BrowserContext]
) -> None:
    context = visitor()
    made_up = '{"email": "alice@example.com", "is_logged_in": true, "origin": "' + guarded + '"}'
    context.add_cookies([{"name": "_streamlit_user", "value": made_up.replace('"', "%22"), "url": guarded}])
    page = context.new_page()
    page.goto(guarded)
    expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=WAIT_MS)
    assert page.get_by_role("heading", name="Overview").count() == 0
    assert page.get_by_text("Prometheus at").count() == 0
    assert fetched(guarded, "/healthz")[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize(("sub", "known_as"), [("mallory", "mallory@example.com.evil"), ("trudy", "#trudy")])
def test_who_is_of_another_domain_or_has_an_address_that_nobody_checked_is_turned_away(
    guarded: str, visitor: Callable[..., BrowserContext], sub: str, known_as: str
) -> None:
    page = log_in(visitor(), guarded, sub)
    refused = page.get_by_text("may not look at this dashboard")
    expect(refused).to_be_visible(timeout=WAIT_MS)
    assert known_as in refused.inner_text()
    assert page.get_by_role("heading", name="Overview").count() == 0


@pytest.mark.slow
def test_a_login_that_nobody_could_pass_is_refused_at_the_start(tmp_path: Path) -> None:
    secrets(tmp_path, "http://127.0.0.1:9", 8501, client_secret="")
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dashboard", *NOWHERE, "--listen", "127.0.0.1:0", "--login"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "bullgauge-dashboard: --login: [auth] in .streamlit/secrets.toml lacks client_secret;"
    )


# --- a proxy that is trusted ---------------------------------------------------------------------------------------


def fetched(address: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and body of what the dashboard itself answers, past the proxy."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = "" if answer.status == 101 else answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard that trusts a proxy on another address than this test's; gives its own address."""
    arguments = ("--user-header", HEADER, "--trusted-proxy", PROXY, "--allow", "ali")
    program, port = dashboard(tmp_path_factory.mktemp("behind"), *arguments)
    yield f"http://127.0.0.1:{port}"
    assert program.stop() == 0
    refused = [line for line in program.lines if "refused 127.0.0.1" in line]
    assert len(refused) <= 1 and all("--trusted-proxy 127.0.0.1" in line for line in refused)


@pytest.fixture(scope="module")
def nginx(behind: str, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[str]:
    """A real nginx with the configuration of the documents, but for names, ports and where it comes from."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx", "apt-get install nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    (folder / "users").write_text("ali:{PLAIN}sesame\nbob:{PLAIN}sesame\n")
    text = (ROOT / "docs/deploy/nginx/dashboard.conf").read_text()
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/certs/queues.pem", str(certificates.certificate)),
        ("/etc/ssl/private/queues.key", str(certificates.key)),
        ("/etc/nginx/bullgauge.users", str(folder / "users")),
        ("proxy_pass http://127.0.0.1:8501;", f"proxy_pass {behind}; proxy_bind {PROXY};"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    places = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr notice; worker_processes 1; events {{}}\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\nhttp {{ access_log off; {places}\n{text}}}\n"
    )
    running = Program([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    running.wait_for("start worker process")
    yield f"https://127.0.0.1:{port}"
    running.stop()


def known(name: str) -> dict[str, object]:
    """Somebody with a password, whose browser says that they are somebody else."""
    return {
        "http_credentials": {"username": name, "password": "sesame"},
        "ignore_https_errors": True,
        "extra_http_headers": {HEADER: "root"},
    }


def test_whom_the_proxy_names_sees_the_page_and_their_name(
    nginx: str, visitor: Callable[..., BrowserContext]
) -> None:
    page = visitor(**known("ali")).new_page()
    page.goto(nginx)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("[data-testid=stSidebar]").get_by_text(re.compile(r"\bali$"))).to_be_visible()
    assert page.get_by_text("root").count() == 0


@pytest.mark.slow
def test_whom_the_proxy_names_and_nobody_allowed_is_turned_away(
    nginx: str, visitor: Callable[..., BrowserContext]
) -> None:
    page = visitor(**known("bob")).new_page()
    page.goto(nginx)
    expect(page.get_by_text("bob may not look at this dashboard")).to_be_visible(timeout=WAIT_MS)
    assert page.get_by_role("heading", name="Overview").count() == 0


@pytest.mark.parametrize("path", ["/", "/connections", "/_stcore/stream", "/static/index.html", "/media/any"])
@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": PROXY}, {"Forwarded": f"for={PROXY}"}])
def test_past_the_proxy_a_made_up_name_opens_nothing(behind: str, path: str, more: dict[str, str]) -> None:
    upgrade = UPGRADE if path.endswith("stream") else {}
    status, body = fetched(behind, path, {HEADER: "ali", **upgrade, **more})
    assert status == 403
    assert "127.0.0.1 is none" in body or path.endswith("stream")


def test_health_is_told_to_everybody(behind: str) -> None:
    assert fetched(behind, "/healthz") == (200, '{"status":"ok"}')
