"""ScreenAgent: what people did on a desktop, step by step, with the screen before each step.

A single click is asked for as a point; other actions as the JSON that upstream's own prompt asks
for (Niu et al., arXiv 2402.07945). The steps of a session are one family.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.corpora.reading import (
    BadRecord,
    Fields,
    Pending,
    attempt,
    find_data,
    media_in,
    read_object,
    text_of,
)
from pipelines.record.canonical import exact
from pipelines.record.sample import Answer, Sample, Split, ask
from pipelines.record.steps import Record

CORPUS = "screenagent"
LICENCE = "Apache-2.0"
DATA = "data/ScreenAgent"
SPLITS: tuple[Split, ...] = ("train", "test")
REACH = "25"
"""Pixels around the recorded click that count as the same place: half a button of a desktop."""
SAID = ("advice", "element")
"""Fields of an action that are free text, which no reward can check."""

_SUBTASK = re.compile(r'subtask is "(.+)"')


def read(root: Path) -> Iterator[Pending]:
    """Read the sessions; what people marked as wrong answers, and plans, become rejects."""
    data = find_data(root, DATA, *(f"{split}/*/*_translate.json" for split in SPLITS))
    for split in SPLITS:
        for session in sorted(path for path in (data / split).glob("*") if path.is_dir()):
            ref = f"{DATA}/{split}/{session.name}"
            yield Pending(CORPUS, ref, _session, (session, split, ref))


def _session(session: Path, split: Split, ref: str) -> list[Record]:
    family: list[Record] = []
    first: Sample | None = None
    for path in sorted(session.glob("*_translate*.json")):
        step_ref = f"{ref}/{path.name}"
        step = attempt(CORPUS, step_ref, _step, session, path, split, step_ref)
        if isinstance(step, Sample):
            first = first or step
            if step.sample_id != first.sample_id:
                step = replace(step, parent=first.sample_id)
        family.append(step)
    return family


def _step(session: Path, path: Path, split: Split, ref: str) -> Sample:
    if "_neg_" in path.name:
        raise BadRecord("negative_example", "people marked this answer as a wrong one")
    record = read_object(path)
    actions = _actions(record)
    screen = media_in(session, f"images/{text_of(record, 'saved_image_name')}", "image")
    task, text, answer = _asked(record, actions)
    return Sample(
        prompt=ask(text, screen),
        answer=answer,
        media=(screen,),
        task=f"{CORPUS}/{task}",
        tags=("gui", "grounding") if answer.kind == "point" else ("gui", "has_text"),
        corpus=CORPUS,
        source_ref=ref,
        split=split,
        licence=LICENCE,
    )


def _actions(record: Fields) -> list[Mapping[str, Any]]:
    actions = record.get("actions")
    if not isinstance(actions, list) or not actions:
        raise BadRecord("no_answer", "no actions")
    if not all(isinstance(action, dict) for action in actions):
        raise BadRecord("bad_answer", "an action that is no object")
    if any(action.get("action_type") == "PlanAction" for action in actions):
        raise BadRecord("open_answer", "a plan can be worded in many ways; nothing checks it")
    return actions


def _asked(record: Fields, actions: list[Mapping[str, Any]]) -> tuple[str, str, Answer]:
    """Say what kind of step it is, how it is asked for and what is right."""
    if len(actions) == 1 and actions[0].get("mouse_action_type") == "click":
        return "click", _where(record, actions[0]), _point(actions[0])
    checked = [{k: v for k, v in action.items() if k not in SAID} for action in actions]
    kind = str(actions[0].get("action_type")).removesuffix("Action").lower()
    return kind, text_of(record, "send_prompt"), Answer.json(exact(checked))


def _where(record: Fields, click: Mapping[str, Any]) -> str:
    subtask = _SUBTASK.findall(text_of(record, "send_prompt_en"))
    if not subtask:
        raise BadRecord("no_question", "the prompt names no subtask")
    side = str(click.get("mouse_button", "left"))
    return (
        f"The task is: {text_of(record, 'task_prompt_en').strip()}\n"
        f"The current step is: {subtask[-1].strip()}\n"
        f"Where on this screen must the {side} mouse button be clicked? "
        "Answer with the point [x, y] in pixels."
    )


def _point(click: Mapping[str, Any]) -> Answer:
    try:
        place = [int(click["mouse_position"][side]) for side in ("width", "height")]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("bad_answer", f"{click!r}"[:200]) from error
    return Answer(kind="point", value=place, tolerance=REACH)
