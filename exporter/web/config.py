"""Knows the web configuration file of Prometheus exporters: TLS, client certificates, users, headers.

The format is that of prometheus/exporter-toolkit, docs/web-configuration.md. What Python's `ssl` cannot do is
refused in one line; nothing is silently ignored.
"""

import ipaddress
import logging
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator

from exporter import wrong_values, yaml_lines
from exporter.web.passwords import bcrypt_hash
from exporter.web.tls import INSTEAD, Section, TlsServerConfig, WebConfigError, context, one_line, one_of

log = logging.getLogger(__name__)

# Header → the values it may have, none listed = any (exporter-toolkit, web/handler.go). Empty = leave it out.
_HEADERS = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}


class HttpServerConfig(Section):
    """`http_server_config`."""

    http2: bool | None = None
    headers: dict[Annotated[str, one_of(_HEADERS)], str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        for name, value in self.headers.items():
            if value and _HEADERS[name] and value not in _HEADERS[name]:
                raise ValueError(f"headers.{name}: {value!r} is none of {', '.join(_HEADERS[name])}")
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"headers.{name}: only printable ASCII can stand in a header")
        return self


class WebConfig(Section):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[str, Annotated[SecretStr, AfterValidator(bcrypt_hash)]] = Field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class WebAccess:
    """What the file asks for, ready to use.

    `tls` is None for plain HTTP; `users` maps a name to its bcrypt hash, and nobody listed means that no
    password is asked; a header with an empty value is to be left out.
    """

    tls: ssl.SSLContext | None
    allowed_sans: frozenset[str]
    users: Mapping[bytes, bytes] = field(repr=False)
    headers: Mapping[str, str]

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client certificate, as `getpeercert()` gives it, carries an allowed alternative name."""
        names = _alternative_names(certificate or {})
        return not self.allowed_sans or not self.allowed_sans.isdisjoint(names)


class WebConfigFile:
    """The file at `path`, read again when it, a certificate or a key has changed.

    A change that cannot be used leaves the last good state in force and logs one line.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises WebConfigError."""
        self._path = path
        self._lock = threading.Lock()
        self._seen: dict[Path, object] = {}
        self._access = self._read()

    def current(self) -> WebAccess:
        """The state in force now; cheap while no file has changed (one `stat` a file)."""
        with self._lock:
            if any(_stamp(path) != stamp for path, stamp in self._seen.items()):
                self._reload()
            return self._access

    def _reload(self) -> None:
        try:
            access = self._read()
            if (access.tls is None) != (self._access.tls is None):
                raise WebConfigError(f"{self._path}: tls_server_config can come or go only with a restart")
        except WebConfigError as error:
            log.error("%s; the last good configuration stays in force", error)
        else:
            log.info("%s: changed, read again", self._path)
            self._access = access

    def _read(self) -> WebAccess:
        # Stamps are taken before the reading: what changes during it is seen as changed afterwards.
        seen, folder = {self._path: _stamp(self._path)}, self._path.parent
        try:
            config = _parse(self._path)
            if config.tls_server_config:
                seen |= {folder / name: _stamp(folder / name) for name in config.tls_server_config.files()}
            access = _access(config, folder)
        except WebConfigError as error:
            raise WebConfigError(f"{self._path}: {error}") from None
        finally:
            self._seen = seen
        for notice in _notices(config):
            log.warning("%s: %s", self._path, notice)
        return access


def _parse(path: Path) -> WebConfig:
    try:
        content, _ = yaml_lines.read(path.read_bytes())
        return WebConfig.model_validate({} if content is None else content)
    except OSError as error:
        raise WebConfigError(f"cannot be read: {error.strerror}") from None
    except yaml_lines.TwiceError as error:
        raise WebConfigError(f"line {error.line}: {error.key!r} stands twice") from None
    except yaml.YAMLError as error:
        raise WebConfigError(f"not YAML: {_yaml_problem(error)}") from None
    except ValidationError as error:
        raise WebConfigError(one_line(_first_problem(error))) from None


def _yaml_problem(error: yaml.YAMLError) -> str:
    # Without the library's excerpt of the file, in which a hash may stand.
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return one_line(error)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = [str(part) for part in problem["loc"] if part != "[key]"]
    place = ".".join(where) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{place}: not supported; {INSTEAD.get(where[-1], 'remove it')}"
    given = _shown(problem["input"], secret=where[:1] == ["basic_auth_users"])
    return f"{place}: {given}{wrong_values.rule(problem)}"


def _shown(value: object, *, secret: bool) -> str:
    return f"{value!r:.60}: " if isinstance(value, str | int | float) and not secret else ""


def _access(config: WebConfig, folder: Path) -> WebAccess:
    tls, users = config.tls_server_config, config.basic_auth_users
    return WebAccess(
        tls=context(tls, folder) if tls else None,
        allowed_sans=frozenset(tls.client_allowed_sans if tls else ()),
        users={name.encode(): secret.get_secret_value().encode() for name, secret in users.items()},
        headers=config.http_server_config.headers,
    )


def _notices(config: WebConfig) -> Iterator[str]:
    if config.http_server_config.http2:
        yield "http2: this server speaks HTTP/1.1, to which clients fall back"
    tls = config.tls_server_config
    if tls and tls.client_auth_type == "RequestClientCert":
        yield "RequestClientCert lets everyone in, so no certificate is asked for: as with NoClientCert"


def _alternative_names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for kind, value in certificate.get("subjectAltName", ()):
        # Python writes ::1 as 0:0:0:0:0:0:0:1; the file has the short form.
        yield str(ipaddress.ip_address(value.strip())) if kind == "IP Address" else value


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
