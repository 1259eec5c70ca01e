"""Dynamic sampling, replay and noisy rollouts do to a batch what their papers say, and no more."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from small_world import question, settings, use_early_letters

from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.sample import Reference
from pipelines.rewards import Grading, Score
from pipelines.rewards.registry import Reward
from train.build import build_trainer
from train.data import CuratedRows, Row
from train.refill import RefillSettings
from train.replay import ReplayBuffer, ReplaySettings
from train.replaying import drawn_again, know_behaviour, stored
from train.step import Group
from train.step_batch import left_out, put_together
from train.trainer import CuratedTrainer, Methods
from train.update import Drawn

NOT_SHOWN = {"prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "advantages"}
NOT_SHOWN |= {"num_items_in_batch", "old_per_token_logps"}


@pytest.fixture(scope="module")
def policy(start: Path) -> CheckpointPolicy:
    return CheckpointPolicy(start)


Made = Callable[..., CuratedTrainer]


@pytest.fixture
def made(policy: CheckpointPolicy, tmp_path: Path) -> Made:
    def make(grading: Grading | None = None, *, pictures: bool = True, **changes: Any) -> Any:
        samples = [question(i, picture=pictures) for i in range(10)]
        held = {medium.media_id: medium for sample in samples for medium in sample.media}
        rows = CuratedRows(
            [Row(i, 0, sample) for i, sample in enumerate(samples)],
            lambda media_id: held[media_id].read(),
            TEMPLATES["plain"],
            policy.takes,
        )
        told: list[Sequence[Group]] = []
        trainer = build_trainer(
            settings(policy.folder, **changes),
            policy.folder,
            policy.processor,
            rows,
            folder=tmp_path / "run",
            seed_of=lambda step: step,
            tell=told.append,
            **({"grading": grading} if grading else {}),
        )
        trainer.model.train()
        trainer.told = told  # type: ignore[attr-defined]
        return trainer

    with use_early_letters():
        yield make  # type: ignore[misc]


def by_group(*flat: int) -> Grading:
    """Grade so that every second answer is right, but in groups by number, where all are."""
    asked = iter(range(10_000))

    def grader(_reference: Reference, _completion: str) -> Score:
        number = next(asked)
        right = number // 4 in flat or number % 2 == 0
        return Score(float(right), right, "")

    return Grading(Reward("by_group", 1, grader))


def step(trainer: CuratedTrainer) -> dict[str, Any]:
    """Give the tensors of the next batch as the trainer makes them, and count the step."""
    order = trainer.order
    rows = order._batch(order.consumed).rows
    inputs = [trainer.rows.row(row) for row in rows for _ in range(trainer.size)]
    output = trainer._generate_and_score_completions(inputs)
    trainer.state.global_step += 1
    return output


def loss(trainer: CuratedTrainer, output: dict[str, Any]) -> float:
    trainer.current_gradient_accumulation_steps = 1
    return float(trainer._compute_loss(trainer.model, output).detach())


def logps(trainer: CuratedTrainer, output: dict[str, Any]) -> torch.Tensor:
    with torch.no_grad():
        found, _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1),
            torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1),
            output["completion_ids"].size(1),
            **{name: value for name, value in output.items() if name not in NOT_SHOWN},
        )
    return torch.where(output["completion_mask"].bool(), found, 0.0)


def test_batches_put_together_say_what_their_parts_say(made: Made) -> None:
    trainer = made()
    one, two = step(trainer), step(trainer)
    places = [(1, 3), (0, 0), (0, 7), (1, 4)]
    whole = put_together([one, two], places, trainer._tokenizer.pad_token_id)
    apart = [logps(trainer, one), logps(trainer, two)]
    for found, (draw, row) in zip(logps(trainer, whole), places, strict=True):
        expected = apart[draw][row]
        assert found[: len(expected)].tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    advantages = [(one, two)[draw]["advantages"][row] for draw, row in places]
    assert whole["advantages"].tolist() == advantages


@pytest.mark.parametrize("kind", ["dapo", "grpo", "dr_grpo", "bnpo"])
def test_a_batch_with_groups_left_out_is_a_smaller_batch(made: Made, kind: str) -> None:
    trainer = made(loss=kind)
    output = step(trainer)
    output["advantages"] = torch.linspace(-1, 1, 8)
    kept = put_together([output], [(0, row) for row in range(4)], 0)
    kept["num_items_in_batch"] = kept["completion_mask"].sum()
    left_out(output, range(4, 8), share_kept=0.5 if kind in ("grpo", "dr_grpo") else 1.0)
    output["num_items_in_batch"] = output["completion_mask"].sum()
    assert loss(trainer, output) == pytest.approx(loss(trainer, kept), abs=1e-6)


def test_groups_without_signal_give_way_to_further_ones(made: Made) -> None:
    trainer = made(by_group(1), refill={"rounds": 2})
    output = step(trainer)
    told = trainer.told[0]  # type: ignore[attr-defined]
    assert [(g.came, g.row, g.entered) for g in told] == [
        ("planned", 0, True),
        ("planned", 1, False),
        ("refill", 2, True),
    ]
    assert output["advantages"].abs().min() > 0
    assert output["num_items_in_batch"] == output["completion_mask"].sum()


def test_refilling_is_bounded_and_then_the_batch_is_smaller(made: Made) -> None:
    trainer = made(by_group(*range(1, 50)), refill={"rounds": 2})
    output = step(trainer)
    told = trainer.told[0]  # type: ignore[attr-defined]
    assert [g.came for g in told] == ["planned", "planned", "refill", "refill"]
    assert [g.entered for g in told] == [True, False, False, False]
    assert output["completion_mask"][4:].sum() == 0
    assert output["num_items_in_batch"] == output["completion_mask"][:4].sum()


def test_where_no_group_has_signal_the_step_learns_nothing_and_says_so(made: Made) -> None:
    trainer = made(by_group(*range(50)), refill={"rounds": 1})
    output = step(trainer)
    assert output["advantages"].abs().sum() == 0
    assert loss(trainer, output) == 0
    assert not any(g.abs_advantage for g in trainer.told[0])  # type: ignore[attr-defined]


def test_signal_is_judged_by_right_and_wrong_not_by_what_was_added(made: Made) -> None:
    def all_wrong(_reference: Reference, completion: str) -> Score:
        return Score(len(set(completion)) / 10, False, "")

    trainer = made(Grading(Reward("form", 1, all_wrong)), refill={"rounds": 1})
    step(trainer)
    assert not any(g.entered for g in trainer.told[0] if g.came == "refill")  # type: ignore[attr-defined]
    by_reward = made(Grading(Reward("form", 1, all_wrong)), refill={"rounds": 1, "by": "reward"})
    step(by_reward)
    assert all(g.entered for g in by_reward.told[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("pictures", [True, False])
def test_a_replayed_group_has_the_log_probabilities_it_was_drawn_with(
    made: Made, pictures: bool
) -> None:
    trainer = made(by_group(), pictures=pictures)
    output = step(trainer)
    once = Drawn(output, trainer.told[0])  # type: ignore[attr-defined]
    know_behaviour(trainer, once)
    kept = [stored(once, place, 4, lane=0, step=1) for place in (1, 0)]
    again = drawn_again(trainer, kept, once)
    assert set(again.output) == set(output) - {"num_items_in_batch"}
    found = logps(trainer, again.output)
    mask = again.output["completion_mask"].bool()
    expected = torch.where(mask, again.output["old_per_token_logps"], 0.0)
    assert torch.allclose(found, expected, atol=1e-4)
    assert expected.abs().sum() > 0
    assert again.output["advantages"].tolist() == [
        *output["advantages"][4:],
        *output["advantages"][:4],
    ]


def test_replay_changes_what_is_learned_from(made: Made) -> None:
    plain, replaying = made(by_group(2, 3)), made(by_group(2, 3), replay={})
    for trainer in (plain, replaying):
        for _ in range(2):
            step(trainer)
    rows = [[g.row for g in t.told[1] if g.entered] for t in (plain, replaying)]  # type: ignore[attr-defined]
    assert rows[0] == [2, 3]
    assert sorted(rows[1]) == [0, 1]
    assert {g.came for g in replaying.told[1] if g.entered} == {"replay"}  # type: ignore[attr-defined]
    assert all(not g.answers and g.age == 1 for g in replaying.told[1] if g.came == "replay")  # type: ignore[attr-defined]


def test_an_empty_buffer_warns_once_and_goes_on(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = made(by_group(*range(50)), replay={})
    assert step(trainer)["advantages"].abs().sum() == 0
    step(trainer)
    warnings = [r for r in caplog.records if r.name == "train.trainer"]
    assert len(warnings) == 1
    assert "replay" in warnings[0].message


def test_loss_and_log_probabilities_see_the_clean_pictures(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    original = CuratedTrainer.__mro__[1]._tokenize_prompts  # type: ignore[attr-defined]

    def watched(self: Any, prompts: Any) -> Any:
        seen.append([p[-1]["content"] for p in prompts])
        return original(self, prompts)

    monkeypatch.setattr(CuratedTrainer, "_tokenize_prompts", watched, raising=False)
    plain, noisy = made(), made(noisy={"share": 0.5})
    outputs = [step(plain), step(noisy)]
    assert torch.equal(outputs[0]["pixel_values"], outputs[1]["pixel_values"])
    assert torch.equal(outputs[0]["prompt_ids"], outputs[1]["prompt_ids"])
    pictures = [
        [b["image"].tobytes() for content in prompts for b in content if b["type"] == "image"]
        for prompts in seen
    ]
    differ = [a != b for a, b in zip(*pictures, strict=True)]
    assert differ == [False, False, True, True] * 2
    told = noisy.told[0]  # type: ignore[attr-defined]
    assert [a.view is not None for g in told for a in g.answers] == differ
    assert len({g.row for g in told}) == 2


def test_noise_that_has_died_away_is_plain_training(made: Made) -> None:
    plain, noisy = made(), made(noisy={"strongest": 1})
    one, two = step(plain), step(noisy)
    assert torch.equal(one["completion_ids"], two["completion_ids"])
    assert loss(plain, one) == loss(noisy, two)


def test_noise_falls_in_the_course_of_the_run(made: Made) -> None:
    trainer = made(noisy={}, max_steps=5)
    strengths = []
    for _ in range(5):
        step(trainer)
        views = [a.view for g in trainer.told[-1] for a in g.answers if a.view]  # type: ignore[attr-defined]
        strengths.append(views[0]["history"][0]["params"]["step"] if views else 0)  # type: ignore[index]
    assert strengths == sorted(strengths, reverse=True)
    assert (strengths[0], strengths[-1]) == (449, 0)


def test_all_methods_are_off_unless_named(made: Made) -> None:
    assert made().methods == Methods()
    assert isinstance(made(refill={}).methods.refill, RefillSettings)
    assert isinstance(made(replay={}).methods.replay, ReplayBuffer)
    assert ReplaySettings().alpha == 1
