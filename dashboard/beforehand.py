"""This file knows what is loaded and asked before the first viewer comes, who would else wait for it."""

import threading
import time
from contextlib import suppress

import pandas as pd
from PIL import Image
from streamlit.dataframe_util import convert_pandas_df_to_arrow_bytes

from dashboard.charts import lines
from dashboard.opened import Opened
from dashboard.overview import overview
from dashboard.page import DEFAULT_RANGE
from dashboard.shell import FAVICON, load_screens, make_page
from dashboard.sources.source import SourceError


def load() -> None:
    """The screens, and what draws an icon, a chart and a table: each is loaded where it is first used."""
    load_screens()
    table = pd.DataFrame({"of": [0.0, 1.0]}, pd.to_datetime([0, 1], unit="s", utc=True))
    lines(table, "none").to_dict()
    convert_pandas_df_to_arrow_bytes(table)
    with Image.open(FAVICON) as icon:
        icon.load()


def ask(opened: Opened) -> None:
    """The figures of the first screen, while a browser loads the page: viewers share what was asked."""
    threading.Thread(target=_ask, args=(opened,), name="beforehand", daemon=True).start()


def _ask(opened: Opened) -> None:
    with suppress(SourceError):  # which the page tells
        overview(make_page(opened, DEFAULT_RANGE, None, opened.source.now_seconds(time.time())))
