"""verl: `RLHFDataset._build_messages` of verl/utils/dataset/rl_dataset.py, and its rewards."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.raw import MISSING, RawRow
from pipelines.curation.handoff.rules import roles, shared, tag_counts, wrapped_gold
from pipelines.curation.handoff.trainer import Trainer, Whole, media_of

KNOWN_SOURCES = (
    "openai/gsm8k",
    "lighteval/MATH",
    "DigitalLearningGmbH/MATH-lighteval",
    "HuggingFaceH4/MATH-500",
    "math_dapo",
    "math",
    "aime",
    "numina_",
    "codecontests",
    "apps",
    "codeforces",
    "taco",
    "hiyouga/geometry3k",
    "searchR1_",
)
"""Starts of the data sources that `default_compute_score` has a grader for."""


def _prompt(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    prompt = row.get("prompt")
    if isinstance(prompt, str):
        yield Fault("string_prompt", "crash", "a text; write [{role, content}]")
    elif not isinstance(prompt, list) or not prompt:
        yield Fault("no_prompt", "crash", "no prompt")


def _places(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    prompt, any_media = row.get("prompt"), any(media_of(row, TRAINER).values())
    contents = (
        [m.get("content") for m in prompt if isinstance(m, Mapping)]
        if isinstance(prompt, list)
        else []
    )
    if any(isinstance(content, list) for content in contents):
        if any_media:
            yield Fault(
                "block_prompt",
                "crash",
                "blocks, in which no medium is placed; write <image> in a text",
            )
        return
    # Without any medium the prompt is not split: a tag stays as words.
    outcome = "crash" if any_media else "misread"
    yield from tag_counts(row, TRAINER, more_is=outcome, fewer_is="crash")


def _entries(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    forms = set()
    for values in media_of(row, TRAINER).values():
        for value in values:
            if isinstance(value, Mapping):
                forms.add("bytes" if value.get("bytes") else "path")
                if "bytes" in value and value["bytes"] is None:
                    yield Fault(
                        "null_bytes",
                        "crash",
                        "bytes is null beside a path, and verl opens the bytes",
                    )
            elif isinstance(value, bytes):
                yield Fault("bare_bytes", "crash", 'bare bytes; write {"bytes": …}')
            else:
                forms.add("path")
    if len(forms) > 1:
        yield Fault("mixed_forms", "misread", "bytes and paths in one row")


def _graded(row: RawRow, whole: Whole) -> Iterator[Fault]:
    source = row.get("data_source")
    if source is MISSING or not source:
        yield Fault("no_data_source", "crash", "no data_source, which picks the grader")
    elif not whole.rewarded and not str(source).startswith(KNOWN_SOURCES):
        yield Fault(
            "unknown_data_source",
            "crash",
            f"verl has no grader for {str(source)[:80]!r}; name one as custom_reward_function.path",
        )
    if row.get("reward_model") is MISSING:
        yield Fault("no_reward_model", "crash", "no reward_model, which holds the gold")


_BARE = Trainer(
    name="verl",
    prompt="prompt",
    media={"images": "image", "videos": "video", "audios": "audio"},
    gold="reward_model.ground_truth",
    rules=(),
    relative_paths=False,
    longest_prompt=512,
    notes=(
        "data.shuffle is true by default and destroys the order; set data.shuffle=False",
        "a last batch that is not full is dropped; let data.train_batch_size divide the rows",
    ),
)
TRAINER = replace(
    _BARE,
    rules=(
        *(_prompt, _places, _entries, _graded, roles("prompt")),
        wrapped_gold("reward_model.ground_truth"),
        *shared(_BARE),
    ),
)
