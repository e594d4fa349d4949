"""This file knows the settings of a running dashboard, and how each is read from what was written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dashboard.sources.access import Access

DEFAULT_LISTEN = "127.0.0.1:8501"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
OWN_FIELDS = ("query", "start", "end", "step", "time")
Network = IPv4Network | IPv6Network


class SettingsError(ValueError):
    """A setting can't be used; the text is one line: which, what value, which rule."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line chose. `kind` is where figures come from.

    `url` is empty for the demo, and may hold a password. `scrape_seconds` is None where it is to be seen. `allowed` are
    names and e-mail addresses, or `@` and a domain; everybody who is known when there are none.
    """

    kind: Literal["prometheus", "exporter", "demo"]
    url: str = field(default="", repr=False)
    config: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8501
    select: tuple[tuple[str, str], ...] = (("job", "bullgauge"),)
    scrape_seconds: float | None = None
    access: Access = field(default_factory=Access)
    login: bool = False
    user_header: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    allowed: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in LOOPBACK


def read_url(option: str, text: str) -> str:
    """An http address. Raises SettingsError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        told = re.sub(r"//[^/@]*@", "//", text)
        raise SettingsError(f"{option} {told}: must be an address such as http://localhost:9090")
    return text.rstrip("/")


def read_listen(text: str) -> tuple[str, int]:
    """Host and port. Raises SettingsError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise SettingsError(f"--listen {text}: must be HOST:PORT, such as {DEFAULT_LISTEN}")
    return host.strip("[]") or "0.0.0.0", int(port)


def read_select(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Labels that every series must have; `job` is bullgauge unless given. Raises SettingsError."""
    labels = {"job": "bullgauge"}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
            raise SettingsError(f"--select {text}: must be LABEL=VALUE, such as cluster=west")
        labels[name] = value
    return tuple((name, value) for name, value in labels.items() if value)


def read_fields(texts: Sequence[str]) -> dict[str, str]:
    """What goes with each question. Raises SettingsError."""
    fields = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(
                f"--query-parameter {text}: must be NAME=VALUE, such as partial_response=false"
            )
        if name in OWN_FIELDS:
            raise SettingsError(f"--query-parameter {text}: the dashboard sets {name} itself; leave it out")
        fields[name] = value
    return fields


def read_timeout(seconds: float) -> float:
    """Raises SettingsError."""
    if not 0 < seconds <= 600:
        raise SettingsError(f"--timeout {seconds:g}: must be seconds above 0, at most 600")
    return seconds


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses of proxies; those of this machine when none is given. Raises SettingsError."""
    try:
        return tuple(ip_network(text) for text in texts or LOOPBACK_NETWORKS)
    except ValueError as error:
        raise SettingsError(
            f"--trusted-proxy: {error}; give an address such as 10.0.0.7 or 10.0.0.0/24"
        ) from None
