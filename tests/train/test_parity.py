"""Training asks the very question that scoring asks."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from small_world import noise, question, settings, text_policy, use_early_letters
from trl.trainer.grpo_trainer import GRPOTrainer

from pipelines.corpora.blinks import blinks
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.record.media import Media
from pipelines.record.sample import Block, Message, Sample, ask
from pipelines.workspace import Workspace, WrongUse
from train.build import build_trainer
from train.data import CuratedRows, Row, check_media
from train.rewards import TrainingReward
from train.trainer import CuratedTrainer


def trainer_of(
    workspace: Workspace,
    policy: CheckpointPolicy,
    samples: list[Sample],
    template: str,
    **changes: Any,
) -> CuratedTrainer:
    held = {medium.media_id: medium for sample in samples for medium in sample.media}
    rows = CuratedRows(
        [Row(i, 0, sample) for i, sample in enumerate(samples)],
        lambda media_id: held[media_id].read(),
        TEMPLATES[template],
        policy.takes,
    )
    return build_trainer(
        settings(policy.folder, **changes),
        policy.folder,
        policy.processor,
        rows,
        folder=workspace.root / "run",
        seed_of=lambda step: step,
        tell=lambda groups: None,
    )


def asked_by_training(trainer: CuratedTrainer) -> tuple[list[list[int]], Any]:
    """What the trainer really put to the model: prompt ids without padding, and pixels."""
    indices = [*trainer.order][:8]
    batch = [trainer.train_dataset[index] for index in indices]
    output = trainer._generate_and_score_completions(batch)
    ids = [
        row[keep.bool()].tolist()
        for row, keep in zip(output["prompt_ids"], output["prompt_mask"], strict=True)
    ]
    return ids, output.get("pixel_values")


def asked_by_scoring(
    policy: CheckpointPolicy, trainer: CuratedTrainer
) -> tuple[list[list[int]], Any]:
    rows: CuratedRows = trainer.train_dataset.format["format_kwargs"]["transform"]
    inputs = policy.encode([rows.request(index) for index in [*trainer.order][:8]])
    ids = [
        row[keep.bool()].tolist()
        for row, keep in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    ]
    return ids, inputs.get("pixel_values")


@pytest.mark.parametrize("picture", [False, True])
@pytest.mark.parametrize("template", ["plain", "boxed"])
def test_prompt_ids_of_training_are_those_of_scoring(
    workspace: Workspace, start: Path, template: str, picture: bool
) -> None:
    policy = CheckpointPolicy(start)
    samples = [question(i * 1000, picture=picture) for i in range(2)]
    trainer = trainer_of(workspace, policy, samples, template)
    trained, pixels = asked_by_training(trainer)
    scored, scored_pixels = asked_by_scoring(policy, trainer)
    assert trained == scored
    assert len({len(ids) for ids in trained}) == 2
    if picture:
        assert torch.equal(pixels, scored_pixels)
    else:
        assert pixels is scored_pixels is None


def test_several_pictures_a_clip_and_a_system_prompt_are_asked_alike(
    workspace: Workspace, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = PromptTemplate(name="brief", system="Be brief.", instruction="One word.")
    monkeypatch.setitem(TEMPLATES, "brief", brief)
    policy = CheckpointPolicy(start)
    samples = [about(noise(1), noise(2), number=1), about(clip(0.5), noise(3), number=20)]
    trainer = trainer_of(workspace, policy, samples, "brief")
    trained, pixels = asked_by_training(trainer)
    scored, scored_pixels = asked_by_scoring(policy, trainer)
    assert trained == scored
    assert torch.equal(pixels, scored_pixels)
    words = {policy.tokenizer.decode(ids) for ids in trained}
    assert all("Be brief." in text and text.count("<|vision_start|>") == 2 for text in words)
    assert len(words) == 2


def test_films_are_asked_alike_as_several_pictures(workspace: Workspace, start: Path) -> None:
    policy = CheckpointPolicy(start)
    samples = list(blinks(size=2, held_out=0))
    trainer = trainer_of(workspace, policy, samples, "plain")
    trained, pixels = asked_by_training(trainer)
    scored, scored_pixels = asked_by_scoring(policy, trainer)
    assert trained == scored
    assert torch.equal(pixels, scored_pixels)
    shown = {policy.tokenizer.decode(ids).count("<|vision_start|>") for ids in trained}
    assert shown == {TEMPLATES["plain"].video_frames}


def test_a_policy_is_trained_on_what_it_can_be_shown_and_on_nothing_else() -> None:
    rows = [Row(7, 0, next(blinks(size=1, held_out=0)))]
    check_media(rows, TEMPLATES["plain"], frozenset({"image"}), "films@1")
    with pytest.raises(WrongUse, match=r"films@1, position 7: .* trained on video"):
        check_media(rows, TEMPLATES["plain"], frozenset(), "films@1")


def test_a_sample_with_a_system_prompt_of_its_own_is_asked_alike(
    workspace: Workspace, tmp_path: Path
) -> None:
    policy = CheckpointPolicy(text_policy(tmp_path / "text"))
    own = Message("system", (Block("text", "You are a clock."),))
    samples = [replace(s, prompt=(own, *s.prompt)) for s in (question(1), question(2))]
    trainer = trainer_of(workspace, policy, samples, "boxed")
    trained, _ = asked_by_training(trainer)
    assert trained == asked_by_scoring(policy, trainer)[0]
    assert all("You are a clock." in policy.tokenizer.decode(ids) for ids in trained)


def about(*media: Media, number: int) -> Sample:
    """A question about several media."""
    sample = question(number)
    return replace(sample, prompt=ask(f"{number}?", *media), media=media)


def clip(seconds: float) -> Media:
    """A tone."""
    times = np.arange(int(8000 * seconds)) / 8000
    file = io.BytesIO()
    soundfile.write(file, np.sin(2 * np.pi * 440 * times), 8000, format="WAV")
    return Media.of_bytes(file.getvalue(), "audio")


def test_a_text_only_policy_is_asked_alike(workspace: Workspace, tmp_path: Path) -> None:
    policy = CheckpointPolicy(text_policy(tmp_path / "text"))
    samples = [question(i * 1000) for i in range(2)]
    trainer = trainer_of(workspace, policy, samples, "plain")
    trained, _ = asked_by_training(trainer)
    scored, _ = asked_by_scoring(policy, trainer)
    assert trained == scored


def test_training_samples_as_scoring_does(workspace: Workspace, start: Path) -> None:
    policy = CheckpointPolicy(start)
    trainer = trainer_of(workspace, policy, [question(i) for i in range(2)], "plain")
    given, wanted = trainer.generation_config, settings(start).sampling
    assert given.max_new_tokens == wanted.max_tokens
    assert (given.temperature, given.top_p, given.top_k) == (wanted.temperature, wanted.top_p, 0)
    assert given.repetition_penalty == 1.0
    assert given.min_p is None
    assert set(trainer.eos_token_ids) == policy._eos_ids


def test_a_picture_is_rendered_once_however_often_it_is_asked(start: Path) -> None:
    reads: list[str] = []
    sample = question(1, picture=True)

    def read(media_id: str) -> bytes:
        reads.append(media_id)
        return sample.media[0].read()

    takes = CheckpointPolicy(start).takes
    dataset = CuratedRows([Row(0, 0, sample)], read, TEMPLATES["plain"], takes).dataset()
    rows = dataset.__getitems__([0] * 8)
    assert len(reads) == 1
    assert [len(row["images"]) for row in rows] == [1] * 8
    assert rows[0]["prompt"][0]["content"][0] == {"type": "image"}
    assert {"sample_id", "position", "stage", "reference"} <= set(rows[0])


class Stock(GRPOTrainer):
    """TRL's own trainer; only its draws are seeded step by step, as ours are."""

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        torch.manual_seed(self.state.global_step + 1)
        return super()._generate_and_score_completions(inputs)


def test_with_everything_off_training_is_trls_own(workspace: Workspace, start: Path) -> None:
    policy = CheckpointPolicy(start)
    samples = [question(i, picture=True) for i in range(6)]
    with use_early_letters():
        ours = trainer_of(workspace, policy, samples, "plain", max_steps=4, num_generations=4)
        reward = TrainingReward()
        stock = Stock(
            model=str(policy.folder),
            reward_funcs=[reward],
            train_dataset=ours.rows.dataset(),
            args=ours.args,
            processing_class=policy.processor,
        )
        ours.train()
        stock.train()
    losses = [[log["loss"] for log in t.state.log_history if "loss" in log] for t in (ours, stock)]
    assert len(losses[0]) == 4
    assert any(losses[0])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    for mine, theirs in zip(ours.model.parameters(), stock.model.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)
