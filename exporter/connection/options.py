"""This file knows how the settings of a Redis become the options of redis-py's connections."""

from pathlib import Path
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, parse_url
from redis.retry import Retry

from exporter.connection.wire import WireError
from exporter.settings import RedisSettings, SentinelSettings, TlsSettings

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 6379


def connection_options(settings: RedisSettings) -> dict[str, Any]:
    url = settings.url.get_secret_value() if settings.url else ""
    options: dict[str, Any] = dict(parse_url(url)) if url else {}  # type: ignore[no-untyped-call]
    scheme = options.pop("connection_class", Connection)
    parts = {
        "host": settings.host,
        "port": settings.port,
        "username": settings.username,
        "password": settings.password.get_secret_value() if settings.password else None,
        "db": settings.database,
    }
    options |= {name: value for name, value in parts.items() if value is not None}
    options = {"host": DEFAULT_HOST, "port": DEFAULT_PORT, "db": 0, **options}
    options |= {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
    }
    if scheme is SSLConnection or settings.tls is not None:
        options |= {"ssl_cert_reqs": "required", **_tls_options(settings.tls or TlsSettings())}
    return options


def _tls_options(tls: TlsSettings) -> dict[str, Any]:
    return {
        "ssl_ca_certs": str(tls.ca_file) if tls.ca_file else None,
        "ssl_certfile": str(tls.cert_file) if tls.cert_file else None,
        "ssl_keyfile": str(tls.key_file) if tls.key_file else None,
        "ssl_cert_reqs": "none" if tls.insecure_skip_verify else "required",
        "ssl_check_hostname": not tls.insecure_skip_verify,
    }


def sentinel_options(settings: SentinelSettings, redis: RedisSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "socket_timeout": redis.connect_timeout_seconds,
        "username": settings.username,
        "password": settings.password.get_secret_value() if settings.password else None,
    }
    if settings.password_file is not None:
        options["password"] = password_in(settings.password_file)
    if redis.tls is not None:
        options |= {"ssl": True, **_tls_options(redis.tls)}
    return options


def password_in(file: Path) -> str:
    """The password that a file holds at this moment. Raises WireError."""
    try:
        return file.read_text().strip()
    except OSError as error:
        raise WireError(f"password_file {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WireError(f"password_file {file}: not UTF-8 text") from error


def host_and_port(text: str, default_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else (text, default_port)
