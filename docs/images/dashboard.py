"""Takes the pictures of the dashboard that the README shows, from one that runs on the demo.

make run                                                    # in one shell, for a quarter of an hour
python docs/images/dashboard.py http://127.0.0.1:8501       # in another; needs playwright and chromium
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SHOTS = (
    ("dashboard-light.png", "/?range=15m", "light", "Throughput", 1100),
    ("dashboard-dark.png", "/?range=15m", "dark", "Throughput", 1100),
    ("dashboard-queue.png", "/queue?queue=reports&range=15m", "light", "Job types", 1240),
)


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, path, scheme, heading, height in SHOTS:
            page = browser.new_page(viewport={"width": 1440, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address + path)
            page.get_by_role("heading", name=heading).wait_for(timeout=60_000)
            page.wait_for_timeout(3000)  # charts are drawn after their headings
            page.screenshot(path=Path(__file__).parent / name)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
