"""This file knows how options become settings, without loading what serves the page: a mistake is told at once."""

import argparse
import socket

from dashboard.settings import (
    Settings,
    SettingsError,
    read_fields,
    read_listen,
    read_networks,
    read_select,
    read_timeout,
    read_url,
)
from dashboard.sources.access import WHOLE, Access
from planner.errors import BadInput
from planner.stored import http_access


def chosen(options: argparse.Namespace) -> Settings:
    """The settings that the command line chose. Raises SettingsError."""
    host, port = read_listen(options.listen)
    if options.scrape_interval is not None and not 0 < options.scrape_interval <= 3600:
        raise SettingsError(
            f"--scrape-interval {options.scrape_interval:g}: must be seconds above 0, at most 3600"
        )
    kind, url = "demo", ""
    for name in ("prometheus", "exporter"):
        if getattr(options, name):
            kind, url = name, read_url(f"--{name}", getattr(options, name))
    _check_people(options)
    settings = Settings(
        kind=kind,  # type: ignore[arg-type]
        url=url,
        config=options.config,
        host=host,
        port=port or _free_port(host),
        select=read_select(options.select),
        scrape_seconds=options.scrape_interval,
        access=_access(options),
        login=options.login,
        user_header=options.user_header,
        trusted_proxies=read_networks(options.trusted_proxy),
        allowed=tuple(options.allow),
        note=options.note,
    )
    _check_port(settings)
    return settings


def _access(options: argparse.Namespace) -> Access:
    try:
        first = http_access.access(options)
        first.context()
    except BadInput as error:
        raise SettingsError(str(error)) from None
    files = (options.headers_file, options.bearer_token_file, options.basic_auth_file)
    # What comes through a pipe can be read once.
    is_lasting = all(file is None or file.is_file() for file in files)
    papers = (lambda: http_access.access(options)) if is_lasting else (lambda: first)
    return Access(papers, read_timeout(options.timeout), {**WHOLE, **read_fields(options.query_parameter)})


def _check_people(options: argparse.Namespace) -> None:
    if not all(who.strip("@ ") for who in options.allow):
        raise SettingsError("--allow: must be a name, an e-mail address, or @ and a domain")
    if options.trusted_proxy and not options.user_header:
        raise SettingsError(
            f"--trusted-proxy {options.trusted_proxy[0]}: needs --user-header, which the proxy sets"
        )
    if options.allow and not (options.login or options.user_header):
        raise SettingsError(
            f"--allow {options.allow[0]}: needs --login or --user-header, which tell who somebody is"
        )
    if options.login and options.user_header:
        raise SettingsError(
            "--login and --user-header: two ways to tell who somebody is; leave one of them out"
        )


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
