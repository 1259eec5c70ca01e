"""The docs site: every page has its place in it, no link is broken, and nothing is fetched."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from blocks import PAGES, ROOT

SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
BY_ITSELF = re.compile(r'<(?:script|img|iframe|source)[^>]*\ssrc="(https?:[^"]*)"')
LINKED = re.compile(r'<link[^>]*\shref="(https?:[^"]*)"')


def test_every_page_has_its_place_in_the_nav() -> None:
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert sorted(in_nav(SETTINGS["nav"])) == sorted(pages)


def in_nav(part: object) -> list[str]:
    """The pages that a part of the nav names, in order."""
    if isinstance(part, str):
        return [part]
    inside = part.values() if isinstance(part, dict) else part
    return [page for one in inside for page in in_nav(one)]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a link or an anchor that leads nowhere fails it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    build = [str(Path(sys.executable).parent / "zensical"), "build", "--strict"]
    env = os.environ | {"PYTHONPATH": "docs", "NO_COLOR": "1"}
    done = subprocess.run(build, check=False, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]
    return folder / "build/site"


def test_the_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert BY_ITSELF.findall(text) == []
        assert LINKED.findall(text) == []
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\(['\"]?https?:[^)]*", sheet.read_text()) == []


def test_formulas_are_drawn_without_a_script(site: Path) -> None:
    text = (site / "concepts/difficulty.html").read_text()
    assert text.count("<math ") > 20
    assert "arithmatex" not in text
    left = [page.name for page in site.rglob("*.html") if r"\frac" in _words(page.read_text())]
    assert left == []


def test_comments_about_tests_are_not_shown(site: Path) -> None:
    assert "not run:" not in _words((site / "tutorial.html").read_text())


def _words(page: str) -> str:
    """What a reader sees of a page, code and formulas left out."""
    page = re.sub(r"<(math|code|pre|script)\b.*?</\1>|<!--.*?-->", "", page, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", page)
