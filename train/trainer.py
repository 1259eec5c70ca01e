"""TRL's GRPOTrainer through three seams, and no others.

`_get_train_sampler` gives the curated order; `_generate` shows part of each group a noisy view;
a wrapper around `_generate_and_score_completions` calls the original, replaces groups without
signal and tells what came out. TRL's file changes weekly: whatever can be done in the data, the
sampler or the reward is done there.

Every process of a run goes through the same steps: what decides (which groups have signal, how
they came out) is gathered first, so that all decide alike.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import gather_object
from trl.data_utils import prepare_multimodal_messages
from trl.trainer.grpo_trainer import GRPOTrainer

from augment.annealing import noise_step
from pipelines.policies.showing import View, render_view
from train.curricula.order import Outcome
from train.data import CuratedRows
from train.noisy import NoisySettings, noisy_view
from train.refill import RefillSettings, has_signal
from train.replay import ReplayBuffer
from train.replaying import drawn_again, know_behaviour, stored
from train.rewards import GradedAnswer, TrainingReward
from train.sampler import CuratedSampler
from train.step import Answered, Came, Group
from train.step_batch import left_out
from train.update import SAME, Drawn, Update

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Methods:
    """What is done to the groups of a step, each only where it is named."""

    refill: RefillSettings | None = None
    replay: ReplayBuffer | None = None
    noisy: NoisySettings | None = None


class CuratedTrainer(GRPOTrainer):
    """GRPO in the curated order, with every group told to `tell`.

    `seed_of` gives the seed of a step, so that a resumed run draws what an uninterrupted one
    would have drawn.
    """

    def __init__(
        self,
        *,
        rows: CuratedRows,
        order: CuratedSampler,
        reward: TrainingReward,
        seed_of: Callable[[int], int],
        tell: Callable[[Sequence[Group]], None],
        methods: Methods = Methods(),
        **options: Any,
    ) -> None:
        super().__init__(reward_funcs=[reward], train_dataset=rows.dataset(), **options)
        self.rows, self.order, self.reward = rows, order, reward
        self.seed_of, self.tell, self.methods = seed_of, tell, methods
        settings: Any = self.args  # typed as the TrainingArguments that GRPOConfig extends
        self.size = int(settings.num_generations)
        """Answers to one question: G."""
        grading = reward.grading
        self._reward_ids = [grading.reward_id(row.sample.reference) for row in rows.rows]
        self._warned = False
        self._asked: list[int] = []
        """The row of each group of the draw under way."""
        self._noisy: list[View | None] = []
        """What each answer of the draw under way is shown, where that is not the plain sample."""

    @property
    def progress(self) -> float:
        """The share of the run that is behind the step under way: 0 at the first, 1 at the last."""
        return min(1.0, self.state.global_step / max(1, self.state.max_steps - 1))

    @property
    def _trains(self) -> bool:
        model: Any = self.model
        return bool(model.training)

    def _get_train_sampler(self, dataset: Any = None) -> CuratedSampler:  # noqa: ARG002
        return self.order

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        if not self._trains:
            return dict(super()._generate_and_score_completions(inputs))
        accelerator = self.accelerator
        torch.manual_seed(self.seed_of(self.state.global_step + 1) + accelerator.process_index)
        asked = [row["row"] for row in inputs[:: self.size]]
        first = accelerator.process_index * len(asked)
        batch = self.order.consume(asked, first=first)
        filling = range(len(batch.rows) - batch.padded, len(batch.rows))
        padded = [first + place in filling for place in range(len(asked))]
        update = Update([self._draw(inputs, "planned", padded)])
        lane = self.rows.rows[asked[0]].lane
        if self.methods.refill is not None:
            self._refill(update, lane, self.methods.refill)
        if self.methods.replay is not None:
            self._replay(update, lane, self.methods.replay)
        output, without = self._finished(update)
        self._tell(update.told(without))
        return output

    # -- one draw ------------------------------------------------------------------------------

    def _draw(self, inputs: list[dict[str, Any]], came: Came, padded: Sequence[bool]) -> Drawn:
        """Let TRL draw and score answers, and keep what came of each group."""
        self._asked = [row["row"] for row in inputs[:: self.size]]
        self._noisy = self._views(inputs)
        self.reward.progress = self.progress
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        answers = self._answered(inputs, output)
        for name, value in self.reward.metrics.items():
            self._metrics["train"][name].append(value)
        self._noisy = []
        size = self.size
        groups = [
            self._group(inputs[place * size], answers[place * size :][:size], came, padded=fills)
            for place, fills in enumerate(padded)
        ]
        return Drawn(output, groups)

    def _answered(self, inputs: list[dict[str, Any]], output: dict[str, Any]) -> list[Answered]:
        prompt_tokens = output["prompt_mask"].sum(dim=1).tolist()
        advantages = output["advantages"].tolist()
        views = self._noisy or [None] * len(inputs)
        return [
            Answered(
                sample_id=row["sample_id"],
                reward_id=self._reward_ids[row["row"]],
                text=graded.text,
                finish_reason=self._finish_reason(graded),
                prompt_tokens=prompt_tokens[i],
                completion_tokens=len(graded.token_ids),
                score=graded.score,
                reward=graded.reward,
                advantage=advantages[i],
                view=views[i],
                reference=sample.reference,
                template_id=self.rows.template_of(sample).template_id,
                strict=graded.strict,
            )
            for i, (row, graded) in enumerate(zip(inputs, self.reward.take(), strict=True))
            for sample in [self.rows.rows[row["row"]].sample]
        ]

    def _group(
        self, row: Mapping[str, Any], answers: Sequence[Answered], came: Came, *, padded: bool
    ) -> Group:
        return Group(
            row=row["row"],
            position=row["position"],
            sample_id=row["sample_id"],
            came=came,
            entered=True,
            padded=padded,
            answers=answers,
            abs_advantage=sum(abs(a.advantage) for a in answers) / len(answers),
        )

    def _finish_reason(self, graded: GradedAnswer) -> str:
        return "stop" if graded.token_ids[-1] in self.eos_token_ids else "length"

    # -- noisy rollouts ------------------------------------------------------------------------

    def _views(self, inputs: list[dict[str, Any]]) -> list[View | None]:
        """What each answer is shown: the last ones of a group its noisy view, if it has one."""
        noisy = self.methods.noisy
        if noisy is None:
            return []
        strength = noise_step(noisy.annealing, self.progress)
        size = self.size
        plain = size - noisy.noisy_of(size)
        names = (self.args.seed, self.state.global_step + 1)
        views: list[View | None] = []
        for row in inputs[::size]:
            view: View | None = noisy_view(self.rows.rows[row["row"]].sample, strength, *names)
            views += [*[None] * plain, *[view] * (size - plain)]
        return views if any(views) else []

    def _generate(self, prompts: list[Any]) -> tuple[Any, ...]:
        if not self._noisy or not self._trains:
            return tuple(super()._generate(prompts))
        drawn = tuple(super()._generate(self._as_seen(prompts)))
        # Without pictures in the answer TRL goes on with those of the dataset, which are clean:
        # loss and log-probabilities never see the noise. Noise keeps a picture's size, so the
        # prompt's tokens are the same ones.
        return (*drawn[:6], None, drawn[7])

    def _as_seen(self, prompts: list[Any]) -> list[Any]:
        """Put the noisy views in the place of the prompts of the answers that see them."""
        rows, size, seen = self.rows, self.size, list(prompts)
        for start in range(0, len(prompts), size):
            view = self._noisy[start + size - 1]
            if view is None:
                continue
            # A group's prompts are one row, so the first says which.
            sample = rows.rows[self._asked[start // size]].sample
            request = render_view(sample, view, rows.template_of(sample), rows.read, rows.takes)
            prompt = prepare_multimodal_messages(
                [*map(dict, request.messages)], images=list(request.images)
            )
            for place in range(start, start + size):
                if self._noisy[place] is not None:
                    seen[place] = prompt
        return seen

    # -- groups without signal -----------------------------------------------------------------

    def _refill(self, update: Update, lane: int, settings: RefillSettings) -> None:
        """Ask further questions in the place of groups without signal, a bounded number of times."""
        processes, rank = self.accelerator.num_processes, self.accelerator.process_index
        for _ in range(settings.rounds):
            open_ = [s for s in range(len(update.slots)) if not self._teaches(update.group(s))]
            # Every process asks as many, since answers are gathered while they are scored.
            wanted = self._most(len(open_))
            rows = self.order.more(wanted * processes, lane) if wanted else []
            if not rows:
                return
            each = -(-len(rows) // processes)
            filled = [rows[i % len(rows)] for i in range(each * processes)]
            mine = slice(rank * each, (rank + 1) * each)
            repeated = [place >= len(rows) for place in range(len(filled))]
            inputs = [row for index in filled[mine] for row in [self.rows.row(index)] * self.size]
            drawn = self._draw(inputs, "refill", repeated[mine])
            teaching = [p for p, group in enumerate(drawn.groups) if self._teaches(group)]
            update.put(drawn, teaching, open_)

    def _teaches(self, group: Group) -> bool:
        refill = self.methods.refill
        if group.abs_advantage <= SAME:
            return False
        return refill is None or group.came == "replay" or has_signal(group.answers, refill.by)

    def _most(self, count: int) -> int:
        counts = torch.tensor([count], device=self.accelerator.device)
        return int(self.accelerator.gather(counts).max())

    def _replay(self, update: Update, lane: int, buffer: ReplayBuffer) -> None:
        """Bring stored groups back in the place of groups without signal, and store the new ones."""
        step = self.state.global_step + 1
        for drawn in update.draws:
            know_behaviour(self, drawn)
        fresh = [
            stored(update.draws[draw], place, self.size, lane=lane, step=step)
            for slot, (draw, place) in enumerate(update.slots)
            if self._teaches(update.group(slot))
        ]
        open_ = [s for s in range(len(update.slots)) if not self._teaches(update.group(s))]
        asked = [group.row for drawn in update.draws for group in drawn.groups]
        chosen = buffer.draw(len(open_), lane=lane, step=step, without=asked)
        if len(chosen) < len(open_) and not self._warned:
            self._warned = True
            LOG.warning(
                "replay found %d of %d groups in step %d: the buffer holds too few with signal, "
                "so groups without it stay",
                *(len(chosen), len(open_), step),
            )
        if chosen:
            update.put(drawn_again(self, chosen, update.draws[0]), range(len(chosen)), open_)
        buffer.add(fresh)

    # -- the update ----------------------------------------------------------------------------

    def _finished(self, update: Update) -> tuple[dict[str, Any], list[int]]:
        """Give the tensors of the update, and the slots that are left out of it."""
        output = update.output(self.size, self._tokenizer.pad_token_id)
        methods = self.methods
        if methods.refill is None and methods.replay is None:
            return output, []
        without: list[int] = []
        if methods.refill is not None:
            empty = [s for s in range(len(update.slots)) if not self._teaches(update.group(s))]
            slots = len(update.slots) * self.accelerator.num_processes
            kept = slots - self._sum(len(empty))
            # Where no group has signal, all advantages are zero: the step learns nothing, and
            # says so.
            if 0 < kept < slots:
                without = empty
                size = self.size
                rows = [slot * size + k for slot in empty for k in range(size)]
                by_row = self.loss_type in ("grpo", "dr_grpo")
                left_out(output, rows, share_kept=kept / slots if by_row else 1.0)
        output["num_items_in_batch"] = self.accelerator.gather(
            output["completion_mask"].sum()
        ).sum()
        return output, without

    def _sum(self, count: int) -> int:
        counts = torch.tensor([count], device=self.accelerator.device)
        return int(self.accelerator.gather(counts).sum())

    def _tell(self, draws: Sequence[Sequence[Group]]) -> None:
        """Tell the order and whoever listens what became of the groups of all processes."""
        everywhere = gather_object([list(draws)]) if self.accelerator.num_processes > 1 else [draws]
        rounds = max(len(of_process) for of_process in everywhere)
        groups = [
            group
            for round_ in range(rounds)
            for of_process in everywhere
            if round_ < len(of_process)
            for group in of_process[round_]
        ]
        self.order.observe(
            [
                Outcome(row=g.row, accuracy=g.accuracy, abs_advantage=g.abs_advantage)
                for g in groups
                if g.came != "replay"
            ]
        )
        self.tell(groups)
