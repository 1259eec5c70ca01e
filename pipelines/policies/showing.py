"""A sample shown otherwise than it is: without its media, with its options in another order, or
with its media transformed.

What was changed is a small JSON object that is stored with every answer as its `view`, so that
the very prompt, and the answer that was right under it, can be made again:
`{"blind": "blanked"}`, `{"blind": "withheld"}`, `{"options": [2, 0, 1]}` or `{"history": [...]}`,
with the `prompt`, the `answer` and the `steps` beside it where these changed along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from augment.text import CannotShuffle, move_letter, names_a_letter, shuffle_options
from pipelines.policies.policy import Request
from pipelines.policies.render import ReadMedia, render
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import Json
from pipelines.record.media import MediaKind
from pipelines.record.sample import Answer, Message, Sample, prompt_from_json

View = Mapping[str, Json]


def as_shown(sample: Sample, view: View) -> Sample:
    """Give the sample whose words a policy sees under a view, and whose answer is right there.

    Blanked media stand in it as they are; they are blanked when it is rendered. Raises
    CannotShuffle when its options cannot be moved.
    """
    if view.get("blind") == "withheld":
        return _withheld(sample)
    if "options" in view:
        return _shuffled(sample, tuple(view["options"]))  # type: ignore[arg-type]
    if view.get("history"):
        return _transformed(sample, view)
    return sample


def as_twin(sample: Sample, twin: Sample) -> View:
    """Give the view under which a sample is shown as a twin that was made from it."""
    view: dict[str, Json] = {"history": list(twin.history)}
    if twin.prompt != sample.prompt:
        view["prompt"] = [message.as_json() for message in twin.prompt]
    if twin.answer != sample.answer:
        view["answer"] = twin.answer.as_json()
    if twin.steps != sample.steps:
        view["steps"] = list(twin.steps)
    return view


def render_view(
    sample: Sample,
    view: View,
    template: PromptTemplate,
    read: ReadMedia,
    takes: frozenset[MediaKind],
    *,
    n: int = 1,
) -> Request:
    """Put one sample to a policy as a view shows it. Raises what `render` and `as_shown` raise."""
    blank = view.get("blind") == "blanked"
    return render(as_shown(sample, view), template, read, takes, n=n, blank=blank)


def _withheld(sample: Sample) -> Sample:
    """Take the media out of the prompt; the words stay as they are."""
    prompt = tuple(
        Message(message.role, tuple(b for b in message.content if b.type == "text"))
        for message in sample.prompt
    )
    return replace(sample, prompt=prompt, media=(), history=())


def _transformed(sample: Sample, view: View) -> Sample:
    """Put the history in, which rendering replays, and the words and the answer that moved."""
    changed: Any = {"parent": sample.sample_id, "history": tuple(view["history"])}  # type: ignore[arg-type]
    if "prompt" in view:
        changed["prompt"] = prompt_from_json(view["prompt"])  # type: ignore[arg-type]
    if "answer" in view:
        changed["answer"] = Answer.from_json(view["answer"])  # type: ignore[arg-type]
    if "steps" in view:
        changed["steps"] = tuple(view["steps"])  # type: ignore[arg-type]
    return replace(sample, **changed)


def _shuffled(sample: Sample, order: Sequence[int]) -> Sample:
    """Move the options in the one text that lists them, and the answer's letter with them."""
    options = sample.answer.options
    texts = [b.text for m in sample.prompt for b in m.content if b.type == "text"]
    moved = {text: _moved(text, options, order) for text in texts}
    lists = [text for text in texts if moved[text] is not None]
    if len(lists) != 1:
        reason = "several_lists" if lists else "no_list"
        raise CannotShuffle(reason, f"{len(lists)} texts of the prompt list them")
    prompt = tuple(
        Message(m.role, tuple(replace(b, text=moved.get(b.text) or b.text) for b in m.content))
        for m in sample.prompt
    )
    letter = move_letter(str(sample.answer.value), order)
    shown = tuple(options[place] for place in order)
    return replace(
        sample, prompt=prompt, answer=replace(sample.answer, value=letter, options=shown)
    )


def _moved(text: str, options: Sequence[str], order: Sequence[int]) -> str | None:
    """Rewrite a text that lists the options; None where it does not speak of them."""
    try:
        return shuffle_options(text, options, order)
    except CannotShuffle as refused:
        if refused.reason != "no_list":
            raise
    if names_a_letter(text):
        raise CannotShuffle("letter_in_prose", "the prompt names one by its letter")
    return None
