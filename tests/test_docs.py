"""The manual is tested too: every name that a user may type stands in it, and what it shows runs."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import reference

from augment.recipes import RECIPES
from augment.transforms import TRANSFORMS
from flows.cli.main import COMMANDS, run
from pipelines.corpora.registry import CORPORA
from pipelines.curation.plans import Plan
from pipelines.rewards import REWARDS

ROOT = Path(__file__).parents[1]
DOCS = {path: path.read_text() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]}
MANUAL = "\n".join(DOCS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_explained(name: str) -> None:
    assert f"`curricle {name}`" in DOCS[ROOT / "README.md"]


def test_the_command_reference_is_what_the_commands_say() -> None:
    # In a process of its own, since the synopses begin with how that was called.
    command = [sys.executable, str(ROOT / "docs/reference.py"), "--check", "commands.md"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in reference.PAGES if name != "commands.md"])
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == reference.PAGES[name](), "run `make docs`"


def test_the_reference_explains_every_key() -> None:
    for page in sorted(ROOT.glob("docs/reference/*.md")):
        unexplained = re.findall(r"^\| `(\w+)` \|.*\|  \|$", DOCS[page], re.MULTILINE)
        assert unexplained == [], page.name


@pytest.mark.parametrize("name", [*RECIPES, *TRANSFORMS, *REWARDS])
def test_every_recipe_transform_and_reward_is_named(name: str) -> None:
    assert f"`{name}`" in MANUAL


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_is_named(name: str) -> None:
    assert name in DOCS[ROOT / "README.md"]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", DOCS[path])
    local = [target for target in targets if not target.startswith(("http", "hf:"))]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_the_plan_in_the_manual_is_a_plan_with_the_defaults_it_shows() -> None:
    block = re.search(r"```toml\n(.*?)```", DOCS[ROOT / "docs" / "plans.md"], re.DOTALL)
    assert block is not None
    shown = Plan.model_validate(tomllib.loads(block[1]))
    assert shown == Plan(name="digits")


def test_what_the_manual_shows_of_rewards_is_what_they_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = re.findall(r"^curricle (reward try .*?)\s+# (.*)$", MANUAL, re.MULTILINE)
    assert len(lines) == 4
    for command, said in lines:
        assert run(shlex.split(command)) == 0
        verdict = capsys.readouterr().out.splitlines()[0]
        assert verdict == re.sub(r"-…", _identity(said), said)


def _identity(said: str) -> str:
    kind = said.split(" by ")[1].split("@", maxsplit=1)[0]
    return "-" + REWARDS[kind].reward_id.rpartition("-")[2]
