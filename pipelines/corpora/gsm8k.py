"""GSM8K: grade school word problems with worked solutions (Cobbe et al., arXiv 2110.14168)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines.corpora.reading import (
    BadRecord,
    Fields,
    Raw,
    attempt,
    find_data,
    made,
    numbered_lines,
    parse,
    read_lines,
    text_of,
)
from pipelines.record.evidence import ImportedRollout
from pipelines.record.sample import Answer, Sample, Split, ask
from pipelines.record.steps import Reject

CORPUS = "gsm8k"
LICENCE = "MIT"
DATA = "grade_school_math/data"
SPLITS: tuple[Split, ...] = ("train", "test")
SOLUTIONS = "example_model_solutions.jsonl"
POLICIES = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_PERCENT = re.compile(r"\b(?:percentage|(?:what|which|nearest) percent)\b", re.IGNORECASE)
_CALCULATOR = re.compile(r"<<[^<>]*>>")


def read(root: Path) -> Iterator[Raw]:
    """Read one sample a line; the worked lines become its steps."""
    data = find_data(root, DATA, *(f"{split}.jsonl" for split in SPLITS))
    for split in SPLITS:
        if (path := data / f"{split}.jsonl").is_file():
            yield from read_lines(CORPUS, path, DATA, partial(_sample, split))


def evidence(root: Path) -> Iterator[ImportedRollout | Reject]:
    """Read the published solutions of four models to the test questions, graded by their authors.

    A solution to a question or of an answer that the test file does not have becomes a reject.
    """
    data = find_data(root, DATA, "test.jsonl")
    tests = read_lines(CORPUS, data / "test.jsonl", DATA, partial(_sample, "test"))
    by_question = {record.question: record for record in made(tests) if isinstance(record, Sample)}
    path = data / SOLUTIONS
    for number, line in numbered_lines(path) if path.is_file() else ():
        ref = f"{DATA}/{SOLUTIONS}:{number}"
        rollouts = attempt(CORPUS, ref, _rollouts, by_question, ref, line)
        yield from [rollouts] if isinstance(rollouts, Reject) else rollouts


def _sample(split: Split, ref: str, record: Fields) -> Sample:
    worked, mark, final = text_of(record, "answer").rpartition("####")
    if not mark:
        raise BadRecord("no_answer", "no line starts with ####")
    question = text_of(record, "question")
    lines = (line.strip() for line in _CALCULATOR.sub("", worked).splitlines())
    return Sample(
        prompt=ask(question),
        answer=replace(_number(final), unit=_unit(question)),
        task=f"{CORPUS}/word-problem",
        tags=("arithmetic",),
        corpus=CORPUS,
        source_ref=ref,
        split=split,
        licence=LICENCE,
        steps=tuple(line for line in lines if line),
    )


def _rollouts(by_question: dict[str, Sample], ref: str, line: bytes) -> list[ImportedRollout]:
    record = parse(line)
    sample = by_question.get(text_of(record, "question"))
    if sample is None:
        raise BadRecord("unknown_question", "not among the test questions")
    if _number(text_of(record, "ground_truth").rpartition("A:")[2]).value != sample.answer.value:
        raise BadRecord("other_answer", f"its ground truth is not {sample.answer.value}")
    return [
        ImportedRollout(
            sample=sample,
            policy=f"{CORPUS}/{model}",
            template=f"{CORPUS}-published",
            completion=text_of(record[model], "solution"),
            correct=record[model]["is_correct"],
            reward=f"{CORPUS}-is-correct@1",
            k=0,
            source_ref=ref,
        )
        for model in POLICIES
        if _is_graded(record.get(model))
    ]


def _is_graded(outcome: object) -> bool:
    return isinstance(outcome, dict) and isinstance(outcome.get("is_correct"), bool)


def _unit(question: str) -> str:
    """Say in what the answer is where the last sentence asks for a percentage: `25%` is then 25."""
    return "%" if _PERCENT.search(_SENTENCE_END.split(question.strip())[-1]) else ""


def _number(text: str) -> Answer:
    if not text.strip():
        raise BadRecord("no_answer", "nothing follows the mark")
    try:
        return Answer.number(text)
    except ValueError as error:
        raise BadRecord("bad_answer", str(error)) from error
