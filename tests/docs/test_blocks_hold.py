"""What the manual shows to be written down is what Curricle reads: TOML, SQL, Python and JSON."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import worlds
from blocks import Block, blocks

from pipelines.rewards import REWARDS
from pipelines.workspace import Workspace

TOML = [block for block in blocks() if block.language == "toml"]
SQL = [block for block in blocks() if block.language == "sql"]
PYTHON = [
    block
    for block in blocks()
    if block.language == "python" and not block.page.startswith("docs/reference/")
]
Reading = Callable[[dict[str, object]], object]


def test_the_blocks_are_found() -> None:
    # Else the tests below would hold nothing to anything.
    assert min(len(TOML), len(SQL), len(PYTHON)) > 5


@pytest.mark.parametrize("block", TOML, ids=lambda block: block.where)
def test_what_is_shown_as_toml_can_be_read(block: Block, tmp_path: Path) -> None:
    data = tomllib.loads(block.text)
    said = []
    for name, read in readings(block.text, tmp_path).items():
        try:
            read(data)
        except Exception as error:
            said.append(f"as {name}: {error}")
        else:
            return
    pytest.fail("\n".join(said))


def readings(text: str, folder: Path) -> dict[str, Reading]:
    """All that a TOML file of a person's may be."""
    from augment.recipes import RecipeFile, read_recipe
    from augment.table import read_table
    from flows.settings import Settings, train_config
    from pipelines.corpora.mapped.mapping import Mapping
    from pipelines.curation.plans import Plan

    def settings(data: dict[str, object]) -> None:
        runs = data.get("train", [])
        runs = [{"dataset": "any"} | runs] if isinstance(runs, dict) else runs
        read = Settings.model_validate(data | {"train": runs})
        for run in read.train:
            train_config(read, run)

    def recipe(data: dict[str, object]) -> None:
        RecipeFile.model_validate(data)
        (folder / "recipe.toml").write_text(text)
        read_recipe(folder / "recipe.toml")

    def rulings(_data: dict[str, object]) -> None:
        (folder / "rulings.toml").write_text(text)
        read_table(folder / "rulings.toml")

    def package(data: dict[str, object]) -> None:
        assert set(data) == {"project"}
        assert "entry-points" in data["project"]  # type: ignore[operator]

    return {
        "settings": settings,
        "a plan": lambda data: Plan.model_validate({"name": "any"} | data),
        "a mapping": Mapping.model_validate,
        "a recipe": recipe,
        "rulings": rulings,
        "a package": package,
    }


def test_what_is_shown_as_sql_is_answered(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.catalog.ready()
    wrong = []
    with workspace.catalog.read() as connection:
        for where, query in queries():
            try:
                connection.execute(f"explain {query}")
            except Exception as error:
                wrong.append(f"{where}: {query}: {error}")
    assert wrong == []


def queries() -> Iterator[tuple[str, str]]:
    """The SQL of blocks of its own, and of `curricle sql`."""
    for block in SQL:
        for query in re.sub(r"--.*", "", block.text).split(";"):
            if query.strip():
                yield block.where, query
    for block in blocks():
        for command in block.commands():
            if command.words[:2] == ["curricle", "sql"] and "$(" not in command.text:
                for query in [w for w in command.words[2:] if " " in w][:1]:
                    yield block.where, query


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.where)
def test_what_is_shown_as_python_runs(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = compile(block.text, block.where, "exec")
    if block.not_run:
        return
    monkeypatch.chdir(tmp_path)
    world = worlds.WORLDS.get(block.page, worlds.nothing)
    if world in worlds.WITHOUT_POLICY:
        world(tmp_path, tmp_path)
    if (tmp_path / worlds.WORKSPACE / "datasets").exists():
        (tmp_path / "datasets").symlink_to(tmp_path / worlds.WORKSPACE / "datasets")
    known = dict(REWARDS)
    try:
        exec(code, {"__name__": "shown"})
    finally:
        REWARDS.clear()
        REWARDS.update(known)


def test_what_is_shown_as_json_is_json() -> None:
    assert {"json", "jsonl"} <= {block.language for block in blocks()}
    for block in blocks():
        if block.language == "json":
            try:
                json.loads(block.text)
            except ValueError:
                [json.loads(line) for line in block.text.splitlines()]
        if block.language == "jsonl":
            [json.loads(line) for line in block.text.splitlines()]
