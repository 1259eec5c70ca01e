"""The report's page at 10,000 samples: how long it takes to write, how large it is, how soon it opens.

A seeded workspace of pictures and sums is made, with eight answers to each sample, a curated set
and its control. Chromium then opens the page as a file, with an empty profile each time: it counts
as open when its DOM is loaded and the first samples stand on it. The limit is a page of as many
bytes, of the same data, that shows nothing. axe-core looks at three sizes, light and dark, with a
sample opened. `--workspace` measures another workspace in place of the made one; `--screenshots`
writes the pictures of docs/report.md.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

from measuring import finish, peak_megabytes
from report_world import made

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "flows" / "report"))

from browser import axe_violations, browsing, found_chromium, tab

SAMPLES, QUICK = 10_000, 1_000
SIZES = {"phone": (360, 740), "tablet": (820, 1100), "desktop": (1280, 900)}
SHOTS = (
    # file, size, colours, section, sample that is opened
    ("report-desktop", "desktop", "light", "", None),
    ("report-desktop-samples", "desktop", "light", "samples", 1),
    ("report-tablet-training-dark", "tablet", "dark", "training", None),
    ("report-phone-dark", "phone", "dark", "", None),
    ("report-phone-samples", "phone", "light", "rows", 0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--workspace", type=Path, help="measure this one, in place of a made one")
    parser.add_argument("--screenshots", type=Path, help="folder to write pictures to, and no more")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = options.workspace or made(
            Path(folder) / "workspace", QUICK if options.quick else SAMPLES
        )
        if options.screenshots:
            page, _, _ = written(root, Path(folder) / "page.html")
            screenshots(page, options.screenshots)
            return
        page, told, seconds = written(root, Path(folder) / "page.html")
        figures: dict[str, Any] = {
            "samples": told.samples,
            "megabytes": round(told.bytes / 1e6, 2),
            "seconds to write": round(seconds, 1),
        }
        print(
            f"{told.samples:,} samples, {told.media:,} small pictures and clips, of "
            f"{told.media + told.media_left_out:,}; {told.answers_left_out:,} answers left out"
        )
        print(f"written in {seconds:.1f} s: {told.bytes / 1e6:.1f} MB")
        if found_chromium() is None:
            print("no Chromium was found (set CHROMIUM to its path), so nothing was opened")
        else:
            figures |= opened(page, 3 if options.quick else 7)
        print(f"peak memory: {peak_megabytes():.0f} MB")
        finish("report_page", figures)


def written(root: Path, path: Path) -> tuple[Path, Any, float]:
    """Write the page as the command does, without its PNG curves."""
    from flows.report.making import make_report
    from pipelines.workspace import Workspace

    started = time.perf_counter()
    _, told = make_report(Workspace(root), [], output=path, curves=False)
    return path, told, time.perf_counter() - started


def opened(page: Path, rounds: int) -> dict[str, Any]:
    """Open the page and the limit by turns; then look at it with axe-core."""
    limit = page.with_name("limit.html")
    limit.write_text(only_data(page.read_text(encoding="utf-8")), encoding="utf-8")
    times: dict[str, list[float]] = {"ours": [], "limit": []}
    violations: dict[str, int] = {}
    requests: list[str] = []
    with browsing() as browser:
        for _ in range(rounds + 1):  # the first warms the file cache, and does not count
            times["ours"].append(seconds_to_open(browser, page, requests))
            times["limit"].append(seconds_to_open(browser, limit, requests))
        for (name, size), scheme in product(SIZES.items(), ("light", "dark")):
            with tab(browser, page, size, scheme, requests) as shown:
                shown.locator("button.row").first.click()
                shown.locator("#opened").wait_for()
                violations[f"{name}, {scheme}"] = len(axe_violations(shown))
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    ratio = medians["ours"] / medians["limit"]
    print(f"open in {medians['ours']:.2f} s (worst of {rounds}: {max(times['ours'][1:]):.2f} s)")
    print(f"as many bytes that show nothing: {medians['limit']:.2f} s, a ratio of {ratio:.2f}")
    print(f"requests other than for the file itself: {len(requests)}")
    for name, count in violations.items():
        print(f"axe-core, {name}: {count} violations")
    return {
        "seconds to open": round(medians["ours"], 2),
        "ours/limit": round(ratio, 2),
        "requests": len(requests),
        "violations": sum(violations.values()),
    }


def only_data(html: str) -> str:
    """Keep the head of a page and its data, so that as much is read and nothing is shown."""
    blocks = re.findall(r'<script type="application/json".*?</script>', html, re.DOTALL)
    return "<!doctype html><html><body>" + "\n".join(blocks) + "</body></html>"


def seconds_to_open(browser: Any, page: Path, requests: list[str]) -> float:
    """Give when the DOM was loaded and the first samples stood on the page, whichever is later."""
    with tab(browser, page, SIZES["desktop"], "light", requests) as shown:
        loaded = shown.evaluate(
            "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        )
        ready = shown.evaluate("Number(document.documentElement.dataset.ready || 0)")
    return float(max(loaded, ready)) / 1000


def screenshots(page: Path, folder: Path) -> None:
    """Take the pictures of the manual."""
    folder.mkdir(parents=True, exist_ok=True)
    with browsing() as browser:
        for name, size, scheme, section, row in SHOTS:
            with tab(browser, page, SIZES[size], scheme, []) as shown:
                if row is not None:
                    shown.locator("button.row").nth(row).click()
                    shown.locator("#opened").wait_for()
                if section:
                    shown.evaluate(f"document.getElementById('{section}').scrollIntoView()")
                shown.wait_for_timeout(300)
                shown.screenshot(path=str(folder / f"{name}.png"))


if __name__ == "__main__":
    main()
