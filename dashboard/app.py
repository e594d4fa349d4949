"""This file knows nothing but where the page begins: Streamlit runs it for each look of each viewer."""

from dashboard.opened import kept
from dashboard.shell import show

show(kept())
