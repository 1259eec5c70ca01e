"""A very small world to train in: random policies, questions, a reward that varies, a dataset."""

import io
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from pipelines.catalog.samples import add_samples
from pipelines.curation.curate import curate
from pipelines.curation.plans import Plan
from pipelines.policies.policy import Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.media import Media, inspect
from pipelines.record.sample import Answer, Reference, Sample, Split, ask
from pipelines.rewards import REWARDS, Reward, Score
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace
from train.config import TrainConfig
from train.launch import TrainResult

MARKS = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]
VISION = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
CHAT = (
    "{% for m in messages %}<|user|>{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for b in m.content %}{% if b.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ b.text }}{% endif %}{% endfor %}"
    "{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
    "tie_word_embeddings": True,
}
SEEING = {
    "depth": 1,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 2,
    "patch_size": 8,
    "spatial_merge_size": 2,
    "temporal_patch_size": 1,
    "out_hidden_size": 32,
    "num_position_embeddings": 64,
    "deepstack_visual_indexes": [0],
}


@dataclass(frozen=True)
class Trained:
    """A finished run and where it lies."""

    workspace: Workspace
    config: TrainConfig
    result: TrainResult


def vision_policy(folder: Path) -> Path:
    """Write a random Qwen3-VL with a character tokenizer."""
    tokenizer = character_tokenizer()
    image, video, start, end = (
        tokenizer.convert_tokens_to_ids(VISION[i])  # in the order that the config names them
        for i in (2, 3, 0, 1)
    )
    patches = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 1}
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches, min_pixels=256, max_pixels=4096),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**patches),
        chat_template=CHAT,
    )
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    config = Qwen3VLConfig(
        text_config=TEXT | {"vocab_size": len(tokenizer), "rope_scaling": rope},
        vision_config=SEEING,
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
    )
    return _saved(Qwen3VLForConditionalGeneration, config, processor, folder)


def text_policy(folder: Path) -> Path:
    """Write a random text-only Qwen3 with the same tokenizer."""
    tokenizer = character_tokenizer()
    return _saved(
        Qwen3ForCausalLM, Qwen3Config(**TEXT, vocab_size=len(tokenizer)), tokenizer, folder
    )


def character_tokenizer() -> Any:
    """One token for each printable character and each mark."""
    signs = [*MARKS, *VISION, "<unk>", *string.printable]
    words = Tokenizer(models.WordLevel({s: i for i, s in enumerate(signs)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    words.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        unk_token="<unk>",
        additional_special_tokens=[*MARKS[2:], *VISION],
        padding_side="left",
        chat_template=CHAT,
    )


def _saved(kind: Any, config: Any, processor: Any, folder: Path) -> Path:
    torch.manual_seed(0)
    model = kind(config)
    model.generation_config.eos_token_id = 1
    model.generation_config.pad_token_id = 0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def early_letters(reference: Reference, completion: str) -> Score:
    """Reward letters of the first half of the alphabet: a random policy earns something."""
    share = sum(sign.lower() in "abcdefghijklm" for sign in completion) / max(1, len(completion))
    return Score(share, share > 0.25, f"{share:.2f} of {reference.answer.value}", {"share": share})


@contextmanager
def use_early_letters() -> Iterator[None]:
    """Grade text answers by `early_letters` for a while, as a reward of the user's own would."""
    before = REWARDS["text"]
    REWARDS["text"] = Reward("early_letters", 1, early_letters)
    try:
        yield
    finally:
        REWARDS["text"] = before


def question(number: int, *, picture: bool = False, split: Split = "train") -> Sample:
    """Make a question, about a picture or not."""
    media = (noise(number),) if picture else ()
    return Sample(
        prompt=ask(f"{split} {number}?", *media),
        answer=Answer.text("letters"),
        media=media,
        task="say/picture" if picture else "say/text",
        corpus="say",
        source_ref=f"{split}/{number}",
        split=split,
    )


def noise(seed: int) -> Media:
    """A small picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Media.of_bytes(file.getvalue(), "image")


def filled(root: Path) -> Workspace:
    """A workspace with scored questions, a third of them held out."""
    workspace = Workspace(root, lock_timeout=20)
    samples = [question(i, picture=i % 2 == 0) for i in range(18)]
    samples += [question(i, picture=i % 2 == 0, split="test") for i in range(9)]
    store(workspace, samples)
    policy = ScriptedPolicy(lambda _request, k, _seed: "aaa" if k % 2 else "zzz")
    asker = Asker(policy, TEMPLATES["plain"], Sampling(max_tokens=6), workspace.media.read)
    ids = [sample.sample_id for sample in samples if sample.split == "train"]
    PassRateJob(workspace.catalog, asker, StoppingRule(cap=8)).run(ids)
    return workspace


def store(workspace: Workspace, samples: Sequence[Sample]) -> None:
    """Put samples and their media where the pipeline would."""
    media = [medium for sample in samples for medium in sample.media]
    for medium in media:
        workspace.media.put(medium)
    with workspace.catalog.write() as connection:
        add_samples(connection, samples, [inspect(m, m.read()) for m in media])


def freeze(workspace: Workspace, name: str = "say", where: str = "true") -> None:
    """Freeze what was scored into a dataset, two prompts to a step."""
    plan = {
        "name": name,
        "where": where,
        "band": {"low": 0, "high": 1},
        "order": {"by": "random", "stages": 2, "prompts_per_step": 2},
        "control": {"draw": False},
    }
    curate(workspace, Plan.model_validate(plan))


def settings(start: Path, **changes: Any) -> TrainConfig:
    """Two prompts by four short answers a step, over a bit more than one pass."""
    usual = {
        "dataset": "say",
        "policy": str(start),
        "prompts_per_step": 2,
        "num_generations": 4,
        "max_tokens": 6,
        "max_steps": 14,
        "save_every": 4,
        "eval_samples": 6,
        "eval_answers": 2,
    }
    return TrainConfig.model_validate(usual | changes)
