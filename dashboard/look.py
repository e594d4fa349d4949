"""This file knows how the dashboard looks: colours that colour-blind people tell apart, on light and on dark."""

from typing import Any

from dashboard.settings import Settings

# After Okabe and Ito, darkened a little so that each has a contrast of 3 to both grounds.
BLUE, ORANGE, GREEN, PURPLE, SKY, GREY = "#2f7fc1", "#c9760a", "#1f9273", "#a3609b", "#4a9fd0", "#7d8590"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)
CRITICAL, WARNING, FINE, UNKNOWN = "#d1495b", "#c9760a", "#1f9273", "#7d8590"
LIGHT_GROUND, DARK_GROUND = "#ffffff", "#11161d"

LIGHT = {
    "primaryColor": "#1f66a8",
    "backgroundColor": LIGHT_GROUND,
    "secondaryBackgroundColor": "#f3f6f9",
    "textColor": "#0d131a",
    "linkColor": "#1f66a8",
    "borderColor": "#d5dce4",
}
DARK = {
    "primaryColor": "#69b1ec",
    "backgroundColor": DARK_GROUND,
    "secondaryBackgroundColor": "#19212b",
    "textColor": "#e6ebf0",
    "linkColor": "#7dbcf0",
    "borderColor": "#323d4a",
}


def streamlit_options(settings: Settings) -> dict[str, Any]:
    """Streamlit's own settings: nothing is sent or fetched elsewhere, and no developer's tools on the page."""
    options: dict[str, Any] = {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.allowRunOnSave": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "runner.magicEnabled": False,
        "theme.showWidgetBorder": True,
        # Figures are what one comes for: titles give them room, and the first row stands near the top.
        "theme.headingFontSizes": ["1.9rem", "1.5rem", "1.15rem", "1.05rem", "1rem", "1rem"],
        "theme.headingFontWeights": [650, 600, 600, 600, 600, 600],
        "theme.metricValueFontSize": "1.8rem",
        "theme.paddingTop": "1rem",
    }
    for ground, colours in (("light", LIGHT), ("dark", DARK)):
        options |= {f"theme.{ground}.{name}": colour for name, colour in colours.items()}
    return options
