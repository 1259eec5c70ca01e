"""Lessons for the warm-up: questions as the network takes them, with answers to imitate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor
from transformers import Qwen3VLProcessor

from pipelines.policies.policy import Request
from pipelines.policies.render import render
from pipelines.policies.templates import TEMPLATES
from pipelines.record.sample import Answer, Sample

LONGEST_ANSWER = 12
"""Characters of the longest answer that is taught: what takes longer stays out of reach."""
IGNORED = -100
"""The label of a token that is not learned from, as `transformers` has it."""
ENCODED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Lesson:
    """One question with the answer that works it out."""

    prompt: list[int]
    worked_out: list[int]
    is_single_step: bool
    """There is nothing to write down before the answer."""
    patches: Tensor | None = None
    """The pixels of its pictures, [patches, values]."""
    grids: Tensor | None = None
    """The frames, rows and columns of patches of each picture, [pictures, 3]."""


def answer_text(answer: Answer) -> str:
    """Write an answer as the tiny policy does: yes or no, a letter, a number or a word."""
    if answer.kind == "bool":
        return "yes" if answer.value else "no"
    return str(answer.value)


def work_out(sample: Sample) -> str:
    """Write the reference steps, one a line, and the final answer behind `=`."""
    return "".join(f"{step}\n" for step in sample.steps) + f"={answer_text(sample.answer)}"


def lessons(samples: Iterable[Sample], processor: Qwen3VLProcessor) -> list[Lesson]:
    """Make lessons of the training samples that are short enough to be taught."""
    taught = (s for s in samples if s.split == "train" and len(work_out(s)) <= LONGEST_ANSWER)
    chunks = iter(lambda: list(islice(taught, ENCODED_AT_ONCE)), [])
    return list(chain.from_iterable(_encode(chunk, processor) for chunk in chunks))


def collate(chosen: Sequence[tuple[Lesson, bool]], processor: Any) -> dict[str, Tensor]:
    """Make a batch, padded on the right, of lessons and whether each is guessed at once.

    A guess teaches its first token only: the habit, and not a wrong answer. What takes one step
    is worked out in any case.
    """
    equals = processor.tokenizer.convert_tokens_to_ids("=")
    answers = [
        [equals] if guessed and not lesson.is_single_step else lesson.worked_out
        for lesson, guessed in chosen
    ]
    rows = [lesson.prompt + answer for (lesson, _), answer in zip(chosen, answers, strict=True)]
    shape = len(rows), max(map(len, rows))
    input_ids = torch.full(shape, processor.tokenizer.pad_token_id)
    attention_mask, labels = torch.zeros_like(input_ids), torch.full(shape, IGNORED)
    for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        input_ids[place, : len(row)] = torch.tensor(row)
        attention_mask[place, : len(row)] = 1
        labels[place, len(row) - len(answer) : len(row)] = torch.tensor(answer)
    batch = {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}
    batch["mm_token_type_ids"] = (input_ids == processor.image_token_id).int()
    patches = [lesson.patches for lesson, _ in chosen if lesson.patches is not None]
    if patches:
        grids = [lesson.grids for lesson, _ in chosen if lesson.grids is not None]
        batch |= {"pixel_values": torch.cat(patches), "image_grid_thw": torch.cat(grids)}
    return batch


def _encode(samples: Sequence[Sample], processor: Any) -> Iterator[Lesson]:
    requests = [_render(sample) for sample in samples]
    prompts: list[str] = processor.apply_chat_template(
        [list(request.messages) for request in requests],
        add_generation_prompt=True,
        tokenize=False,
    )
    end = processor.tokenizer.eos_token
    answers = processor.tokenizer([work_out(sample) + end for sample in samples])["input_ids"]
    for seen in (True, False):
        places = [i for i, request in enumerate(requests) if bool(request.images) is seen]
        if not places:
            continue
        texts = [prompts[place] for place in places]
        pictures = [list(requests[place].images) for place in places]
        encoded = processor(text=texts, images=pictures if seen else None)
        grids: Any = [None] * len(places)
        patches: Any = grids
        if seen:
            grids = encoded["image_grid_thw"].split([len(several) for several in pictures])
            patches = encoded["pixel_values"].split([int(g.prod(dim=1).sum()) for g in grids])
        for i, place in enumerate(places):
            single = not samples[place].steps
            ids = encoded["input_ids"][i]
            yield Lesson(ids, answers[place], single, patches[i], grids[i])


def _render(sample: Sample) -> Request:
    media = {medium.media_id: medium for medium in sample.media}
    return render(sample, TEMPLATES["plain"], lambda media_id: media[media_id].read())
