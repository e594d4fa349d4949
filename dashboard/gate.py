"""This file knows who may look: everybody unless told otherwise, people who log in, or whom a proxy names."""

import re

import streamlit as st

from dashboard import login
from dashboard.plain import plain
from dashboard.settings import Settings

MATERIAL = ":material/person:"


def may_look(settings: Settings) -> bool:
    """Whether the rest of the page is drawn; draws the way in otherwise."""
    if settings.login and not st.user.is_logged_in:
        _way_in()
        return False
    name = who(settings)
    if name is None or is_allowed(settings, name):
        return True
    st.error(f"{plain(name)} may not look at this dashboard: --allow names others.", icon=":material/block:")
    if settings.login:
        st.button("Log out", on_click=st.logout)
    return False


def who(settings: Settings) -> str | None:
    """The name by which the viewer is known here; None where nobody is asked for one."""
    if settings.user_header:
        # A request without it came no further than the gate before the page.
        return st.context.headers.get(settings.user_header, "").strip() or "nobody"
    return _logged_in() if settings.login else None


def show_who(settings: Settings) -> None:
    """The viewer's name, and the way out."""
    name = who(settings)
    if name is None:
        return
    st.caption(f"{MATERIAL} {plain(name)}")
    if settings.login:
        st.button("Log out", on_click=st.logout, type="tertiary", icon=":material/logout:")


def is_allowed(settings: Settings, name: str) -> bool:
    """Everybody who is known, unless some are named: by the whole name, or by `@` and the domain of an address."""
    told = name.lower()
    return not settings.allowed or any(_is(told, one.lower()) for one in settings.allowed)


def _is(name: str, allowed: str) -> bool:
    return (
        re.fullmatch(rf"[^@\s#/:]+{re.escape(allowed)}", name) is not None
        if allowed[0] == "@"
        else name == allowed
    )


def _logged_in() -> str:
    """The e-mail address, unless the provider says that nobody has checked it; else what it calls the person."""
    told = st.user.to_dict()
    if told.get("email") and told.get("email_verified") is not False:
        return str(told["email"])
    return f"{told.get('iss', '')}#{told.get('sub', '')}"


def _way_in() -> None:
    st.title("bullgauge")
    several: list[str | None] = [*login.providers(login.said())]
    for name in several or [None]:
        label = f"Log in with {name}" if name else "Log in"
        st.button(label, on_click=st.login, args=(name,) if name else (), type="primary")
