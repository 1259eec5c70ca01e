"""What a person may say about a training run."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.policies.policy import Sampling
from pipelines.record.canonical import Json, exact
from pipelines.rewards.declared import DeclaredReward
from train.curricula.settings import CurriculumSettings
from train.evaluation.settings import EvaluationSettings
from train.noisy import NoisySettings
from train.refill import RefillSettings
from train.replay import ReplaySettings
from train.shaping.settings import ShapingSettings
from train.signals.settings import SignalSettings

NOT_IDENTITY = frozenset(
    {"save_every", "eval_samples", "eval_answers", "eval_where", "evaluation", "reward", "rewards"}
)
"""Settings that do not decide which policy comes out; rewards do by what they are (`Run`)."""


class LoraSettings(BaseModel):
    """A low-rank adapter (arXiv 2106.09685) is trained, and merged into the weights at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=16, ge=1)
    """Rank of the adapter's matrices."""
    alpha: int = Field(default=32, ge=1)
    """Scale: the adapter counts alpha / rank."""
    targets: str | list[str] = "all-linear"
    """Names of the modules that get an adapter."""


class VllmSettings(BaseModel):
    """vLLM draws the answers; it lives in an environment of its own (`trl vllm-serve`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["server", "colocate"] = "server"
    """A server that gets the new weights each step, or an engine on the trainer's own devices."""
    url: str = "http://127.0.0.1:8000"
    """Address of the server."""
    memory: float = Field(default=0.3, gt=0, le=1)
    """Colocated: the share of the device's memory that it may take."""
    tensor_parallel: int = Field(default=1, ge=1)
    """Colocated: devices that share one model."""


class TrainConfig(BaseModel):
    """One run of GRPO on one dataset version.

    Defaults suit the tiny policy; a large model wants a learning rate near 1e-6, more tokens
    and a `micro_batch`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    """Name of the dataset to train on."""
    version: int | None = Field(default=None, ge=1)
    """Its version; the newest when not given."""
    policy: str = "tiny"
    """Where to start: `tiny`, a checkpoint folder, or a hub id."""
    template: str = "plain"
    """Prompt template by name; the one that the policy was scored with."""
    think_by_task: bool = False
    """Ask the tasks that `curricle score think` found to need no thinking by the template
    `direct`, and all others by `template`."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Constant rate of AdamW. 1e-4 teaches the tiny policy, 6e-4 destroys it."""
    prompts_per_step: int = Field(default=4, ge=1)
    """Questions behind one update, over all processes; must divide the dataset's batches."""
    num_generations: int = Field(default=8, ge=2)
    """Answers to each question: the group that rewards are compared within."""
    max_steps: int = Field(default=0, ge=0)
    """Updates to make; 0 means as many as `passes` take."""
    passes: int = Field(default=1, ge=1)
    """Times to go through the dataset, when `max_steps` is 0."""
    max_tokens: int = Field(default=24, ge=1)
    """Longest answer, in tokens."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature; the one that the policy was scored with."""
    loss: Literal["dapo", "grpo", "dr_grpo", "bnpo"] = "dapo"
    """How token losses are averaged. `dapo`, TRL's default, weighs every token alike; `grpo`
    weighs every answer alike, which is lenient to long wrong ones."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the KL term; 0 loads no reference model."""
    epsilon: float = Field(default=0.2, gt=0)
    """How far a token's probability may fall in one update before its gradient is cut off."""
    epsilon_high: float | None = Field(default=None, gt=0)
    """The same for rising; unset: as `epsilon`. DAPO takes 0.28 against the collapse of entropy."""
    micro_batch: int = Field(default=0, ge=0)
    """Answers per forward pass on each process; 0 means all of a step at once."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, slower steps."""
    seed: int = 0
    """Root of every random draw."""
    save_every: int = Field(default=50, ge=1)
    """Updates between the checkpoints that a killed run goes on from."""
    eval_samples: int = Field(default=200, ge=0)
    """Held-out samples to measure on, before and after; 0 measures nothing."""
    eval_answers: int = Field(default=4, ge=1)
    """Answers drawn to each held-out sample."""
    reward: str = "answer"
    """Who grades: `answer` for the reward of each answer's kind, or a reward by name."""
    rewards: dict[str, DeclaredReward] = Field(default={})
    """The workspace's own rewards and compositions, by name."""
    eval_where: str = ""
    """SQL condition on `candidates` that narrows the held-out ones, as in a plan."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """On which other sets the policy is measured, and how often in the course of the run."""
    curriculum: CurriculumSettings = CurriculumSettings()
    """Which rows are asked next."""
    refill: RefillSettings | None = None
    """Dynamic sampling: further questions in the place of groups without signal."""
    replay: ReplaySettings | None = None
    """Selective sample replay: groups of past steps in the place of groups without signal."""
    noisy: NoisySettings | None = None
    """NoisyRollout: part of each group answers a distorted view."""
    shaping: ShapingSettings = ShapingSettings()
    """What is added to the verifier's reward."""
    signals: SignalSettings = SignalSettings()
    """Which failure signatures are looked for, and what follows."""

    lora: LoraSettings | None = None
    """Train an adapter in the place of all weights."""
    vllm: VllmSettings | None = None
    """Let vLLM draw the answers."""

    @property
    def sampling(self) -> Sampling:
        """How answers are drawn, in the words of scoring."""
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens)

    @property
    def identity(self) -> dict[str, Json]:
        """What decides the trained policy beside the rows and the first policy."""
        known = self.model_dump(exclude={*NOT_IDENTITY, "dataset", "version", "policy"})
        if self.vllm is not None:
            known["vllm"].pop("url")  # where a server stands says nothing of what it answers
        return {name: exact(value) for name, value in known.items()}
