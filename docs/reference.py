"""Write the reference pages from the code: commands, settings, plans, runs, mappings, Python.

`--check` compares instead, and leaves with 1 where a page is not what the code says. Pages that are
named, such as `commands.md`, are the only ones then.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import reference_models
import reference_python

DOCS = Path(__file__).parent


def commands() -> str:
    """Every command with every option, as Markdown."""
    from flows.cli.main import app

    text = app.generate_docs(output_format="markdown", heading_level=1)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(lines).strip() + "\n"


def settings() -> str:
    """What curricle.toml may say."""
    from flows.settings import Settings

    opening = """
`curricle init` writes a commented `curricle.toml`. Every key may be left out; an unknown one is refused by name. A
`[[train]]` table is [a run](training.md), a plan is [a file of its own](plans.md), and so is [a mapping](mappings.md).
"""
    return reference_models.page("Settings", opening, Settings, "", "The file itself")


def plans() -> str:
    """What a plan may say."""
    from pipelines.curation.plans import Plan

    opening = (
        "[Plans](../plans.md) says what the keys do together; this is every key with its bounds."
    )
    return reference_models.page("Plans", opening, Plan, "", "The plan itself")


def training() -> str:
    """What a run may say."""
    from train.config import TrainConfig

    opening = """
A run is a `[[train]]` table of `curricle.toml`, and its tables stand below it as `[train.NAME]`;
[training](../training.md) says what they do together.
"""
    return reference_models.page("Training runs", opening, TrainConfig, "train", "`[[train]]`")


def mappings() -> str:
    """What a mapping and a recipe may say."""
    from augment.recipes import RecipeFile
    from pipelines.corpora.mapped.mapping import Mapping

    opening = """
A mapping says what the fields of [a corpus of your own](../corpora.md#a-corpus-of-your-own) mean.
`curricle init --from PATH` drafts one.
"""
    mapped = reference_models.page("Mappings and recipes", opening, Mapping, "", "A mapping")
    return mapped + "\n" + reference_models.sections(RecipeFile, "", "A recipe")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "reference/settings.md": settings,
    "reference/plans.md": plans,
    "reference/training.md": training,
    "reference/mappings.md": mappings,
    "reference/python.md": reference_python.page,
}


def main() -> int:
    """Write the pages, or with `--check` name those that differ."""
    named = [word for word in sys.argv[1:] if word != "--check"] or list(PAGES)
    made = {DOCS / name: PAGES[name]() for name in named}
    if "--check" not in sys.argv:
        for path, text in made.items():
            path.write_text(text)
        return 0
    stale = [path.name for path, text in made.items() if path.read_text() != text]
    for name in stale:
        print(f"{name} is not what the code says: run `make docs`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
