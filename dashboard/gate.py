"""This file knows who may look: everybody unless told otherwise, people who log in, or whom a proxy names."""

import streamlit as st

from dashboard.settings import Settings


def may_look(settings: Settings) -> bool:
    """Whether the rest of the page is drawn; draws the way in otherwise."""
    if settings.user_header and not st.context.headers.get(settings.user_header):
        st.error(
            f"Only for people whom the proxy has named: the request has no header {settings.user_header}."
        )
        return False
    return not settings.login or _logged_in()


def _logged_in() -> bool:
    try:
        if st.user.is_logged_in:
            return True
    except AttributeError:
        st.error("--login needs [auth] in .streamlit/secrets.toml; see the documents on the dashboard.")
        return False
    st.title("bullgauge")
    st.button("Log in", on_click=st.login, type="primary")
    return False
