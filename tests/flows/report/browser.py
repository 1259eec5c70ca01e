"""A Chromium that is there already, and what is asked of a page in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no Chromium was found: install one, or set CHROMIUM to its path"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def found_chromium() -> str | None:
    """Give the path of a Chromium; None where there is none."""
    named = [os.environ.get("CHROMIUM", ""), *NAMES]
    return next((path for name in named if name and (path := shutil.which(name))), None)


@contextmanager
def browsing() -> Iterator[Any]:
    """Start Chromium, with an empty profile that goes with it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found_chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(
    browser: Any, page: Path, size: tuple[int, int], scheme: str, requests: list[str]
) -> Iterator[Any]:
    """Open a page in a new context; what it asks of anybody else is added to `requests`."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    try:
        shown = context.new_page()
        own = page.absolute().as_uri()

        def note(request: Any) -> None:
            if request.url != own and not request.url.startswith("data:"):
                requests.append(request.url[:200])

        shown.on("request", note)
        shown.goto(own)
        yield shown
    finally:
        context.close()


def axe_violations(shown: Any) -> list[dict[str, Any]]:
    """Run all rules of axe-core on a page as it stands; give what it finds wrong."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    # By the debugger, which the page's policy does not hold for.
    shown.evaluate(source)
    found: list[dict[str, Any]] = shown.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map("
        "v => ({id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 4).map(n => n.html.slice(0, 160)),"
        " why: v.nodes.slice(0, 2).map(n => n.failureSummary)}))"
    )
    return found
