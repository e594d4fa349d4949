"""This file knows what a login by OpenID Connect needs: a library, and the section [auth] of Streamlit's secrets."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import streamlit as st

from dashboard.settings import SettingsError

Said = Mapping[str, Any]
"""The section: names and their values, or of a provider a section of its own."""
WHERE = ".streamlit/secrets.toml"
CALLBACK = "/oauth2callback"
SHARED = ("redirect_uri", "cookie_secret")
EACH = ("client_id", "client_secret", "server_metadata_url")
LEAST_SECRET = 32
"""Who guesses it can write a cookie that names anybody."""


def check(said: Said) -> None:
    """Raises SettingsError: nobody could log in, and the page would not say why."""
    if find_spec("authlib") is None:
        raise SettingsError("--login: Authlib missing; install with: pip install 'bullgauge[login]'")
    lacking = [key for key in SHARED if not said.get(key)]
    sections = {f" of [auth.{name}]": said[name] for name in providers(said)} or {"": said}
    lacking += [key + where for where, section in sections.items() for key in EACH if not section.get(key)]
    if lacking:
        raise SettingsError(
            f"--login: [auth] in {WHERE} lacks {', '.join(lacking)}; see the documents on the dashboard"
        )
    if not str(said["redirect_uri"]).endswith(CALLBACK):
        raise SettingsError(
            f"--login: redirect_uri {said['redirect_uri']} in {WHERE}: must be the dashboard's address with {CALLBACK}"
        )
    if len(str(said["cookie_secret"])) < LEAST_SECRET:
        raise SettingsError(
            f"--login: cookie_secret in {WHERE}: must be random and have at least {LEAST_SECRET} characters"
        )


def providers(said: Said) -> list[str]:
    """Those that have a section of their own; none where [auth] itself is the only one."""
    return [name for name, value in said.items() if isinstance(value, Mapping)]


def said() -> Said:
    """The section as it is; empty when there is none."""
    try:
        found = st.secrets["auth"]
    except (OSError, KeyError):  # no file of secrets at all, or no such section
        return {}
    return found if isinstance(found, Mapping) else {}
