"""This file knows how options become settings, without loading what serves the page: a mistake is told at once."""

import argparse
import socket

from dashboard.settings import Settings, SettingsError, read_access, read_listen, read_select, read_url


def chosen(options: argparse.Namespace) -> Settings:
    """The settings that the command line chose. Raises SettingsError."""
    host, port = read_listen(options.listen)
    if not 0 < options.scrape_interval <= 3600:
        raise SettingsError(
            f"--scrape-interval {options.scrape_interval:g}: must be seconds above 0, at most 3600"
        )
    kind, url = "demo", ""
    for name in ("prometheus", "exporter"):
        if getattr(options, name):
            kind, url = name, read_url(f"--{name}", getattr(options, name))
    settings = Settings(
        kind=kind,  # type: ignore[arg-type]
        url=url,
        config=options.config,
        host=host,
        port=port or _free_port(host),
        select=read_select(options.select),
        scrape_seconds=options.scrape_interval,
        access=read_access(
            options.headers_file, options.bearer_token_file, options.ca_file, options.tenant, options.timeout
        ),
        login=options.login,
        user_header=options.user_header,
        note=options.note,
    )
    _check_port(settings)
    return settings


def _check_port(settings: Settings) -> None:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(f"--listen {where}: {error.strerror or error}; choose another address") from error


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
