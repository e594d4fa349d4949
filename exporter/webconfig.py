"""Knows the web configuration file of Prometheus exporters: TLS, client certificates, users, headers.

The format is that of prometheus/exporter-toolkit, docs/web-configuration.md. What Python's `ssl` cannot do is
refused in one line; nothing is silently ignored.
"""

import ipaddress
import logging
import re
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError, model_validator

log = logging.getLogger(__name__)

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# Go's name → OpenSSL's. Those of TLS 1.3 may be named, as in Go, but are always on.
_CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
} | dict.fromkeys(("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"), "")
# Header → the values it may have, none listed = any (exporter-toolkit, web/handler.go). Empty = leave it out.
_HEADERS = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_NO_ANY = "Python's ssl cannot demand a certificate without verifying it; use RequireAndVerifyClientCert"
# What to do about a key or value that the toolkit knows and we do not.
_INSTEAD = {
    "cert": "write it to a file and name that in cert_file",
    "key": "write it to a file and name that in key_file",
    "client_ca": "write it to a file and name that in client_ca_file",
    "rate_limit": "limit requests in a proxy before the exporter",
    "RequireAnyClientCert": _NO_ANY,
    "RequireClientCert": _NO_ANY,
}
_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")


class WebConfigError(ValueError):
    """The web configuration file cannot be used; the text says in one line where and why."""


def _one_of(names: Iterable[str]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(_INSTEAD.get(value, f"not one of {', '.join(names)}"))
        return value

    return AfterValidator(check)


def _bcrypt_hash(secret: SecretStr) -> SecretStr:
    if not _BCRYPT.fullmatch(secret.get_secret_value()):
        raise ValueError("not a bcrypt hash ($2y$…, 60 characters); make one with: htpasswd -nBC 10 ''")
    return secret


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsServerConfig(_Section):
    """`tls_server_config`; paths are relative to the folder of the file that names them."""

    cert_file: Path
    key_file: Path
    client_auth_type: Annotated[str, _one_of(_CLIENT_AUTH)] = "NoClientCert"
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Annotated[str, _one_of(_VERSIONS)] = "TLS12"
    max_version: Annotated[str, _one_of(_VERSIONS)] = "TLS13"
    cipher_suites: tuple[Annotated[str, _one_of(_CIPHERS)], ...] = ()
    curve_preferences: tuple[Annotated[str, _one_of(_CURVES)], ...] = ()
    prefer_server_cipher_suites: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules = {
            "min_version is above max_version": self.min_version > self.max_version,
            "client_ca_file needs client_auth_type VerifyClientCertIfGiven or RequireAndVerifyClientCert": (
                self.client_ca_file and not _CLIENT_AUTH[self.client_auth_type]
            ),
            "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert": (
                self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert"
            ),
            "curve_preferences: Python's ssl holds to one curve; name a single one or leave the key out": (
                len(self.curve_preferences) > 1
            ),
            "cipher_suites names none for TLS 1.2; add one or set min_version: TLS13": (
                self.cipher_suites and self.min_version == "TLS12" and not self.ciphers()
            ),
        }
        for rule, broken in rules.items():
            if broken:
                raise ValueError(rule)
        return self

    def ciphers(self) -> str:
        """The cipher suites up to TLS 1.2 in OpenSSL's notation, best first; empty = OpenSSL's choice."""
        return ":".join(filter(None, (_CIPHERS[name] for name in self.cipher_suites)))

    def files(self) -> Iterator[Path]:
        """Every file that this section names."""
        yield from filter(None, (self.cert_file, self.key_file, self.client_ca_file))


class HttpServerConfig(_Section):
    """`http_server_config`."""

    http2: bool | None = None
    headers: dict[Annotated[str, _one_of(_HEADERS)], str] = {}

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        for name, value in self.headers.items():
            if value and _HEADERS[name] and value not in _HEADERS[name]:
                raise ValueError(f"headers.{name}: {value!r} is none of {', '.join(_HEADERS[name])}")
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"headers.{name}: only printable ASCII can stand in a header")
        return self


class WebConfig(_Section):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[str, Annotated[SecretStr, AfterValidator(_bcrypt_hash)]] = {}


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


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which PyYAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [str(key.value) for key, _ in node.value]
        for name, (key, _) in zip(names, node.value, strict=True):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


def _parse(path: Path) -> WebConfig:
    try:
        content = yaml.load(path.read_bytes(), _StrictLoader)
        return WebConfig.model_validate({} if content is None else content)
    except OSError as error:
        raise WebConfigError(f"cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise WebConfigError(f"not YAML: {_yaml_problem(error)}") from None
    except ValidationError as error:
        raise WebConfigError(_one_line(_first_problem(error))) from None


def _yaml_problem(error: yaml.YAMLError) -> str:
    # Without the library's excerpt of the file, in which a hash may stand.
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return _one_line(error)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = [str(part) for part in problem["loc"] if part != "[key]"]
    place = ".".join(where) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{place}: not supported; {_INSTEAD.get(where[-1], 'remove it')}"
    given = _shown(problem["input"], secret=where[:1] == ["basic_auth_users"])
    return f"{place}: {given}{problem['msg'].removeprefix('Value error, ')}"


def _shown(value: object, *, secret: bool) -> str:
    return f"{value!r:.60}: " if isinstance(value, str | int | float) and not secret else ""


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def _access(config: WebConfig, folder: Path) -> WebAccess:
    tls, users = config.tls_server_config, config.basic_auth_users
    return WebAccess(
        tls=_context(tls, folder) if tls else None,
        allowed_sans=frozenset(tls.client_allowed_sans if tls else ()),
        users={name.encode(): secret.get_secret_value().encode() for name, secret in users.items()},
        headers=config.http_server_config.headers,
    )


def _context(tls: TlsServerConfig, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    if ciphers := tls.ciphers():
        context.set_ciphers(ciphers)
    for curve in tls.curve_preferences:
        context.set_ecdh_curve(_CURVES[curve])
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    with _naming(f"cert_file {tls.cert_file} with key_file {tls.key_file}"):
        # Without a password given, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(folder / tls.cert_file, folder / tls.key_file, password="")
    _trust(context, tls, folder)
    return context


def _trust(context: ssl.SSLContext, tls: TlsServerConfig, folder: Path) -> None:
    context.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
    # As in Go, every certificate of the file is an anchor, an intermediate one too; no file = the system's.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.client_ca_file:
        with _naming(f"client_ca_file {tls.client_ca_file}"):
            context.load_verify_locations(folder / tls.client_ca_file)
    else:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _one_line(error)
        plain = {
            "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
            "NO_CERTIFICATE": "no certificate in the file",
            "PEM lib": "not a PEM file, or the key is encrypted",
        }
        raise WebConfigError(f"{what}: {next((plain[p] for p in plain if p in reason), reason)}") from None


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
