"""The page in Chromium: accessible, quiet, usable by keys, and deaf to hostile text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import MISSING, axe_violations, browsing, found_chromium, tab
from small_report import HOSTILE

from flows.report.making import make_report
from pipelines.workspace import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(found_chromium() is None, reason=MISSING),
]
SIZES = {"phone": (360, 740), "tablet": (820, 1100), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as one:
        yield one


def has_rows(shown: Any, count: int) -> None:
    """Wait until so many samples stand on the page."""
    from playwright.sync_api import expect

    expect(shown.locator("button.row")).to_have_count(count)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_wrong(browser: Any, page: Path, size: str, scheme: str) -> None:
    with tab(browser, page, SIZES[size], scheme, []) as shown:
        shown.locator("button.row").first.click()
        shown.locator("#opened").wait_for()
        for summary in shown.locator("summary").all():
            summary.click()
        assert axe_violations(shown) == []


def test_axe_would_find_what_is_wrong(browser: Any, page: Path) -> None:
    with tab(browser, page, SIZES["desktop"], "light", []) as shown:
        shown.evaluate("document.querySelector('img').removeAttribute('alt')")
        assert [one["id"] for one in axe_violations(shown)] == ["image-alt"]


def test_an_empty_page_is_accessible_too(
    browser: Any, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.catalog.ready()
    make_report(workspace, [], output=tmp_path / "empty.html")
    with tab(browser, tmp_path / "empty.html", SIZES["phone"], "dark", []) as shown:
        assert axe_violations(shown) == []


def test_hostile_text_does_nothing_and_nobody_is_asked(browser: Any, page: Path) -> None:
    requests: list[str] = []
    with tab(browser, page, SIZES["desktop"], "light", requests) as shown:
        errors: list[str] = []
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.on("console", lambda message: errors.append(message.text))
        shown.fill("#f-text", "window.pwned")
        has_rows(shown, 1)
        shown.locator("button.row").click()
        opened = shown.locator("#opened")
        opened.wait_for()
        assert opened.locator(".question").text_content() == HOSTILE
        assert opened.locator("pre").first.text_content() == HOSTILE
        assert shown.evaluate("window.pwned === undefined")
        # Even a script that got in would not run.
        shown.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), "
            "{textContent: 'window.pwned = 2'}))"
        )
        assert shown.evaluate("window.pwned === undefined")
        assert all("Content Security Policy" in error for error in errors)
    assert requests == []


@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_never_wider_than_the_screen(browser: Any, page: Path, size: str) -> None:
    with tab(browser, page, SIZES[size], "light", []) as shown:
        for number in range(min(6, shown.locator("button.row").count())):
            shown.locator("button.row").nth(number).click()
            shown.locator("#opened").wait_for()
            wide = "document.documentElement.scrollWidth"
            assert shown.evaluate(wide) <= SIZES[size][0]


def test_samples_are_walked_through_with_keys_alone(browser: Any, page: Path) -> None:
    focused = "document.activeElement.dataset.row"
    with tab(browser, page, SIZES["desktop"], "light", []) as shown:
        assert shown.locator("button.row").count() == 25
        shown.locator("button.row").first.focus()
        shown.keyboard.press("ArrowDown")
        shown.keyboard.press("ArrowDown")
        assert shown.evaluate(focused) == "2"
        shown.keyboard.press("Enter")
        shown.locator("#opened").wait_for()
        assert shown.locator("button.row[aria-expanded=true]").get_attribute("data-row") == "2"
        shown.keyboard.press("Escape")
        assert shown.locator("#opened").count() == 0
        shown.keyboard.press("ArrowRight")
        assert shown.evaluate(focused) == "25"
        shown.keyboard.press("ArrowUp")
        assert shown.evaluate(focused) == "24"
        shown.keyboard.press("/")
        assert shown.evaluate("document.activeElement.id") == "f-text"


def test_filters_narrow_and_clear(browser: Any, page: Path) -> None:
    with tab(browser, page, SIZES["phone"], "light", []) as shown:
        everything = shown.locator("#status").text_content()
        shown.select_option("#f-kind", label="audio (1)")
        has_rows(shown, 1)
        shown.locator("button.row").click()
        assert shown.locator("#opened audio").count() == 1
        shown.fill("#f-low", "95")
        shown.wait_for_selector("#rows .empty")
        shown.click("button[type=reset]")
        has_rows(shown, 25)
        assert shown.locator("#status").text_content() == everything


def test_a_view_leads_to_its_parent(browser: Any, page: Path) -> None:
    with tab(browser, page, SIZES["desktop"], "light", []) as shown:
        shown.fill("#f-text", "What shape is it? (0)")
        has_rows(shown, 2)
        view = shown.locator("button.row", has_text="view").first
        own = view.get_attribute("data-row")
        view.click()
        shown.locator("#opened button.linked").first.click()
        parent = shown.locator(f"button.row[aria-expanded=true]:not([data-row='{own}'])")
        parent.wait_for()
        assert "What shape is it? (0)" in parent.text_content()
