"""BlindTest: counting in simple drawings, with what four models made of it (arXiv 2407.06581).

Upstream keeps a copy of each picture per model and wording, in a folder named by the outcome; the
copies are further sources of one sample, and evidence about it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipelines.corpora.reading import BadRecord, Pending, attempt, find_data, media_in
from pipelines.record.evidence import ImportedRollout
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject

CORPUS = "blindtest"
LICENCE = "MIT"
DATA = "src"
OUTCOMES = {"correct": True, "incorrect": False}
SAME_MODEL = {"gemini-1.5": "gemini-1.5-pro"}
"""The paper tried four models; the folders of one task shorten the name of this one."""


class Task(NamedTuple):
    """One kind of drawing: what is asked and how a file name tells the answer."""

    name: str
    question: str
    label: re.Pattern[str]
    answer: Callable[..., Answer]
    tags: tuple[str, ...]
    section: str
    """Its title in the file of wordings."""
    wordings: tuple[str, str]
    """The folders of the two wordings, in that file's order."""


TASKS = {
    "NestedSquares": Task(
        name="nested-squares",
        question="How many squares does the picture show?",
        label=re.compile(r"nested_squares_depth_([0-9]+)_"),
        answer=Answer.number,
        tags=("counting", "math_diagram"),
        section="Nested Squares",
        wordings=("count-prompt", "how-many-prompt"),
    ),
    "CountingRowsAndColumns": Task(
        name="rows-columns",
        question="How many rows and how many columns does the table have? Give rows first.",
        label=re.compile(r"grid_([0-9]+)x([0-9]+)_"),
        answer=lambda rows, columns: Answer(
            kind="json", value=[int(rows), int(columns)], unit="rows, columns"
        ),
        tags=("counting", "direction", "math_diagram"),
        section="Counting Rows and Columns",
        wordings=("CountRC-prompt", "HowManyRC-prompt"),
    ),
}


def read(root: Path) -> Iterator[Pending]:
    """Read one sample a copy of a picture: eight sources for each that differs."""
    data, paths = _pictures(root)
    for path in paths:
        yield Pending(CORPUS, f"{DATA}/{path}", _sample, (data, path))


def evidence(root: Path) -> Iterator[ImportedRollout | Reject]:
    """Read what each model made of each picture under each wording; only outcomes are known."""
    data, paths = _pictures(root)
    wordings = _wordings(data / "prompts.md")
    asked: Counter[tuple[str, str, str]] = Counter()
    for path in paths:
        yield attempt(CORPUS, f"{DATA}/{path}", _rollout, data, path, wordings, asked)


def _pictures(root: Path) -> tuple[Path, list[Path]]:
    pattern = "images/*/*/*/*.png"
    data = find_data(root, DATA, *(f"{task}/{pattern}" for task in TASKS))
    found = (path.relative_to(data) for path in data.glob(f"*/{pattern}"))
    return data, sorted(path for path in found if path.parts[0] in TASKS)


def _sample(data: Path, path: Path) -> Sample:
    task = TASKS[path.parts[0]]
    label = task.label.search(path.name)
    if label is None:
        raise BadRecord("no_answer", "the file name does not tell it")
    picture = media_in(data, str(path), "image")
    return Sample(
        prompt=ask(task.question, picture),
        answer=task.answer(*label.groups()),
        media=(picture,),
        task=f"{CORPUS}/{task.name}",
        tags=task.tags,
        corpus=CORPUS,
        source_ref=f"{DATA}/{path}",
        licence=LICENCE,
    )


def _rollout(
    data: Path,
    path: Path,
    wordings: dict[str, list[str]],
    asked: Counter[tuple[str, str, str]],
) -> ImportedRollout:
    task, _, wording, model, outcome, _ = path.parts
    if outcome not in OUTCOMES:
        raise BadRecord("no_outcome", f"folder {outcome!r} is neither correct nor incorrect")
    sample = _sample(data, path)
    template = dict(zip(TASKS[task].wordings, wordings[TASKS[task].section], strict=False)).get(
        wording, wording
    )
    model = SAME_MODEL.get(model.casefold(), model.casefold())
    key = (sample.sample_id, model, template)
    asked[key] += 1
    return ImportedRollout(
        sample=sample,
        policy=f"{CORPUS}/{model}",
        template=template,
        completion=None,
        correct=OUTCOMES[outcome],
        reward=f"{CORPUS}-outcome@1",
        k=asked[key] - 1,
        source_ref=f"{DATA}/{path}",
    )


def _wordings(path: Path) -> dict[str, list[str]]:
    """Read the wordings by section; where they are missing, folders' names stand for them."""
    sections: dict[str, list[str]] = {task.section: [] for task in TASKS.values()}
    title = ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("# "):
            title = line[2:].strip()
        elif title in sections and (wording := re.fullmatch(r"[0-9]+\. (.+)", line.strip())):
            sections[title].append(wording[1])
    return sections
