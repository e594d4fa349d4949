"""Knows what the gate before the page lets through, asked as the server asks it, and what a login must be given."""

from __future__ import annotations

import anyio
import pytest

from dashboard import login
from dashboard.gate import is_allowed
from dashboard.origin import OwnPages
from dashboard.proxy import NamedByProxy
from dashboard.settings import Settings, SettingsError, read_networks

HEADER = "X-Forwarded-User"
SAID = {
    "redirect_uri": "https://queues.example/oauth2callback", "cookie_secret": "0123456789abcdef" * 2,
    "client_id": "bullgauge", "client_secret": "a secret",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}  # fmt: skip
PROVIDER = {key: SAID[key] for key in login.EACH}


@pytest.mark.parametrize(
    ("origin", "kind", "passed"),
    [
        ("http://queues.example:8501", "websocket", True),
        ("https://queues.example:8501", "websocket", True),
        (None, "websocket", True),
        ("http://evil.example", "websocket", False),
        ("http://queues.example", "websocket", False),
        ("null", "websocket", False),
        ("http://evil.example", "http", True),
    ],
)
def test_only_pages_of_the_own_address_are_given_the_stream_and_no_other_host_is_asked_about_it(
    origin: str | None, kind: str, passed: bool
) -> None:
    inside, sent, told = [], [], []

    async def page(scope: dict[str, object], *_more: object) -> None:
        inside.append([value for name, value in scope["headers"] if name == b"origin"])  # type: ignore[attr-defined]

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"host", b"queues.example:8501"), *([(b"origin", origin.encode())] if origin else [])]
    gate = OwnPages(page, told.append)
    for _ in range(2):
        anyio.run(gate, {"type": kind, "path": "/_stcore/stream", "headers": headers}, receive, send)
    assert bool(inside) is passed
    if not passed:
        assert sent[0] == {"type": "websocket.close", "code": 1008}
        [line] = told
        assert origin is not None and origin in line and "must leave Host as it is" in line
    if kind == "http":
        assert inside[0] == []


@pytest.mark.parametrize("named", [[], [""], ["  "], ["ali", "ali"]])
def test_a_proxy_that_names_nobody_or_two_opens_nothing(named: list[str]) -> None:
    sent: list[dict[str, object]] = []

    async def inside(*_arguments: object) -> None:
        sent.append({"status": "inside"})

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    gate = NamedByProxy(inside, HEADER, read_networks([]), ["/healthz"], print)
    headers = [(HEADER.lower().encode(), one.encode()) for one in named]
    scope = {"type": "http", "path": "/", "client": ("::ffff:127.0.0.1", 1), "headers": headers}
    anyio.run(gate, scope, receive, send)
    assert sent[0]["status"] == 403
    anyio.run(gate, {**scope, "headers": [(HEADER.lower().encode(), b"ali")]}, receive, send)
    assert sent[-1]["status"] == "inside"


def test_a_domain_is_that_of_the_whole_address() -> None:
    settings = Settings("demo", allowed=("@example.com", "Bob"))
    assert is_allowed(settings, "Alice@Example.com") and is_allowed(settings, "bob")
    for name in (
        "a@b.example.com",
        "a@example.com.evil",
        "@example.com",
        "https://id#me@example.com",
        "bobby",
        "nobody",
    ):
        assert not is_allowed(settings, name)
    assert is_allowed(Settings("demo"), "anybody")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "lacks redirect_uri, cookie_secret, client_id, client_secret, server_metadata_url"),
        ({**SAID, "client_secret": ""}, "lacks client_secret"),
        (
            {**SAID, "redirect_uri": "https://queues.example/"},
            "must be the dashboard's address with /oauth2callback",
        ),
        ({**SAID, "cookie_secret": "short"}, "must be random and have at least 32 characters"),
        ({**SAID, "google": {**PROVIDER, "client_id": ""}}, "lacks client_id of [auth.google]"),
    ],
)
def test_a_section_with_which_nobody_could_log_in_is_refused(said: login.Said, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        login.check(said)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_a_section_for_one_provider_or_for_several_will_do() -> None:
    login.check(SAID)
    assert login.providers(SAID) == []
    several = {**{key: SAID[key] for key in login.SHARED}, "google": PROVIDER, "okta": PROVIDER}
    login.check(several)
    assert login.providers(several) == ["google", "okta"]
