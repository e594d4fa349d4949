"""This file knows the settings of a running dashboard, and how secrets come from files."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dashboard.access import Access

DEFAULT_LISTEN = "127.0.0.1:8501"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TENANT_HEADER = "X-Scope-OrgID"


class SettingsError(ValueError):
    """A setting can't be used; the text is one line: which, what value, which rule."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line chose. `kind` is where figures come from; `url` is empty for the demo."""

    kind: Literal["prometheus", "exporter", "demo"]
    url: str = ""
    config: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8501
    select: tuple[tuple[str, str], ...] = (("job", "bullgauge"),)
    scrape_seconds: float = 15.0
    access: Access = field(default_factory=Access)
    login: bool = False
    user_header: str | None = None
    note: str = ""

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in LOOPBACK


def read_url(option: str, text: str) -> str:
    """An http address. Raises SettingsError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{option} {text}: must be an address such as http://localhost:9090")
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


def read_access(
    headers_file: Path | None,
    token_file: Path | None,
    ca_file: Path | None,
    tenant: str | None,
    timeout: float,
) -> Access:
    """How to reach the source. Raises SettingsError."""
    if not 0 < timeout <= 600:
        raise SettingsError(f"--timeout {timeout:g}: must be seconds above 0, at most 600")
    headers = _headers(headers_file) if headers_file else {}
    if token_file:
        headers["Authorization"] = f"Bearer {_text('--bearer-token-file', token_file).strip()}"
    if tenant:
        headers[TENANT_HEADER] = tenant
    if ca_file:
        _text("--ca-file", ca_file)
    return Access(headers, ca_file, timeout)


def _headers(path: Path) -> dict[str, str]:
    """Lines of `Name: value`; blank ones and those that begin with # are left out."""
    found = {}
    for number, line in enumerate(_text("--headers-file", path).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[\w-]+", name.strip()):
                raise SettingsError(
                    f"--headers-file {path}:{number}: must be a line such as `X-Scope-OrgID: team`"
                )
            found[name.strip()] = value.strip()
    return found


def _text(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from error
