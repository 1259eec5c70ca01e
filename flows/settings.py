"""What `curricle.toml` says: everything that a refresh of the workspace needs to know."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from augment.forms import MOST_OPTIONS
from pipelines.engine import EngineName
from pipelines.forms.convert import Form
from pipelines.rewards.declared import DeclaredReward
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.tree import SearchRule
from pipelines.workspace import CONFIG_NAME, Workspace, read_toml, validated


class Section(BaseModel):
    """A table of the file: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySettings(Section):
    """Which model answers."""

    source: str = "tiny"
    """`tiny` (built on first use), a checkpoint folder, a hub id, or the address of a server's
    OpenAI-compatible API, such as `http://127.0.0.1:8000/v1`."""
    model: str = ""
    """Of a server: the name of the model to ask; may be left out where it serves only one."""
    revision: str = ""
    """Of a server: what tells these weights apart from others that it serves under one name."""
    api_key_env: str = ""
    """Of a server: the environment variable that holds its key. The key itself is never stored."""
    concurrency: int = Field(default=32, ge=1)
    """Of a server: requests under way at once."""
    timeout: float = Field(default=300.0, gt=0)
    """Of a server: seconds that one answer may take."""
    template: str = "plain"
    """Prompt template by name."""
    max_tokens: int = Field(default=24, ge=1)
    """Longest answer, in tokens."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature, for scoring, training and evaluation alike."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Share of the probability that is sampled from, in scoring and evaluation; training samples
    from all of it, so what is to be trained on is scored with 1."""

    @model_validator(mode="after")
    def _known_to_somebody(self) -> Self:
        """Refuse what only a server would heed where the policy is none."""
        if not self.source.startswith(("http://", "https://")):
            for name in ("model", "revision", "api_key_env"):
                if getattr(self, name):
                    raise ValueError(
                        f"`{name}` is about a server, and `source` {self.source!r} is none; write "
                        "its address there, such as http://127.0.0.1:8000/v1"
                    )
        return self


class GeneratorOptions(Section):
    """What a generated corpus is made from; what is not given is the corpus' own default."""

    seed: int | None = Field(default=None, ge=0)
    """Root of every random draw."""
    size: int | None = Field(default=None, ge=1)
    """Training samples to make."""
    held_out: int | None = Field(default=None, ge=0)
    """Held-out samples to make."""


class CorpusSettings(Section):
    """One corpus to bring in."""

    name: str
    """A corpus that Curricle knows (`curricle ingest --list`), or one of your own."""
    path: str = ""
    """Its folder, archive or file, relative to the workspace, or `hf://owner/name:config` on the
    Hugging Face hub; a generated corpus has none."""
    map: Path | None = None
    """For a corpus of your own: the file that says what its fields mean, relative to the
    workspace (docs/corpora.md)."""
    format: str = ""
    """For a set that was made for a trainer: which one, such as `verl`."""
    options: GeneratorOptions = GeneratorOptions()
    """What a generated corpus is made from."""
    revision: str = ""
    """Name of the corpus' revision. With a new one, what is read is all that the corpus holds from
    then on: records that it changed are superseded, those that it dropped are withdrawn."""
    benchmark: bool = False
    """Whether it is one to measure with: nothing of it is trained on, nor what repeats it."""


class EngineSettings(Section):
    """Where batches of records are worked on."""

    name: EngineName = "local"
    """`local`: processes of this machine; `ray`: a Ray cluster (needs the extra `ray`)."""
    workers: int = Field(default=0, ge=0)
    """Batches worked on at once; 0 means one a core."""
    address: str = ""
    """Of a Ray cluster, such as `auto` or `ray://head:10001`; empty starts one on this machine.
    Its machines need the workspace at the same path."""


class AugmentSettings(Section):
    """Which views are made."""

    recipes: tuple[str, ...] = ()
    """Recipes by name, and your own by the path of their TOML file, relative to the workspace."""
    copies: int = Field(default=1, ge=1)
    """Views of each sample by each recipe."""
    forms: tuple[Form, ...] = ()
    """Other forms in which each sample is asked: `choice` (an open question among options) and
    `yes-no` (a claim about an open question or a choice)."""
    options: int = Field(default=4, ge=2, le=MOST_OPTIONS)
    """Options of a question that is asked as a choice."""
    table: Path | None = None
    """Rows of the label table in the place of the built-in ones: a TOML file, relative to the
    workspace."""
    blocks: bool = True
    """Whether a transform is left out for the tasks in which an invariance audit found a loss."""
    margin: float = Field(default=3.0, gt=0, lt=100)
    """Points of the pass rate that a transform may cost before it is blocked."""


class ScoreSettings(StoppingRule):
    """Which samples the policy is asked about, and when each has been asked often enough."""

    where: str = "split = 'train'"
    """A SQL condition over the view `candidates`."""
    batch: int = Field(default=128, ge=1)
    """Samples per unit of work."""

    @property
    def rule(self) -> StoppingRule:
        """When to stop, without which samples."""
        return StoppingRule(**self.model_dump(exclude={"where", "batch"}))


class SearchSettings(SearchRule):
    """Which samples are searched, and how far."""

    where: str = ""
    """A SQL condition over `candidates` joined with `difficulty`; empty searches nothing."""
    limit: int = Field(default=0, ge=0)
    """Most samples to search; 0 means all."""
    batch: int = Field(default=256, ge=1)
    """Trees that advance together."""

    @property
    def rule(self) -> SearchRule:
        """How far to search, without which samples."""
        return SearchRule(**self.model_dump(exclude={"where", "limit", "batch"}))


class ProbeSettings(Section):
    """What is asked under a changed showing: without looking, or with the options moved."""

    where: str = "split = 'train'"
    """A SQL condition over `candidates` joined with `difficulty`: which samples to probe."""
    blind: bool = False
    """Whether a refresh asks without the media: what is solvable blind does not teach to look."""
    shuffle: bool = False
    """Whether a refresh moves the options of choices: who guesses, or loves a letter, flips."""
    answers: int = Field(default=4, ge=1)
    """Answers to each sample under each showing."""
    how: Literal["blanked", "withheld"] = "blanked"
    """Blind: grey pictures and silence of the same size, or a prompt without media."""
    permutations: int = Field(default=3, ge=1)
    """Shuffle: most shifts of the options."""


class ThinkSettings(Section):
    """What is asked twice, to think and to answer directly."""

    where: str = "split = 'train'"
    """A SQL condition over `candidates` joined with `difficulty`: which samples to ask about."""
    samples: int = Field(default=200, ge=1)
    """Most samples of each task."""
    answers: int = Field(default=4, ge=1)
    """Answers to each sample under each template."""
    direct: str = "direct"
    """Template that answers directly, by name; `template` of [policy] is the one that thinks."""


class InvarianceSettings(Section):
    """What an invariance audit asks: samples beside themselves with one transform."""

    where: str = "split = 'train'"
    """A SQL condition over `candidates` joined with `difficulty`: which samples to look at."""
    pairs: int = Field(default=100, ge=1)
    """Most samples for each task and transform."""
    answers: int = Field(default=4, ge=1)
    """Answers to each sample, and to each of its twins."""


class BudgetSettings(Section):
    """What one call may ask for; it stops cleanly when that is spent, and the next one goes on."""

    rollouts: int | None = Field(default=None, ge=1)
    """Most answers; a step that a search samples counts as one."""
    tokens: int | None = Field(default=None, ge=1)
    """Most tokens of answers; the unit of work that reaches it is finished."""


class Settings(Section):
    """What `curricle.toml` may say."""

    seed: int = 0
    """Root of every random draw."""
    policy: PolicySettings = PolicySettings()
    """The policy that is asked and trained."""
    reward: str = "answer"
    """Who grades, in scoring and training alike: `answer` for the reward of each answer's kind,
    or a reward by name."""
    rewards: dict[str, DeclaredReward] = Field(default={})
    """Compositions and rewards of your own, by name."""
    corpora: tuple[CorpusSettings, ...] = ()
    """What a refresh brings in."""
    engine: EngineSettings = EngineSettings()
    """Where records are worked on."""
    augment: AugmentSettings = AugmentSettings()
    """Which views a refresh makes."""
    score: ScoreSettings = ScoreSettings()
    """What a refresh asks the policy."""
    search: SearchSettings = SearchSettings()
    """What a refresh searches."""
    probe: ProbeSettings = ProbeSettings()
    """What is asked under a changed showing."""
    think: ThinkSettings = ThinkSettings()
    """What is asked to think and to answer directly."""
    invariance: InvarianceSettings = InvarianceSettings()
    """What an invariance audit asks."""
    budget: BudgetSettings = BudgetSettings()
    """What one call of scoring, searching or probing may ask for."""
    plans: tuple[Path, ...] = ()
    """Plans that a refresh freezes, relative to the workspace."""
    train: tuple[dict[str, Any], ...] = ()
    """Runs that a refresh makes, each as `curricle train` takes it; all in one are comparable."""


def read_settings(workspace: Workspace) -> Settings:
    """What curricle.toml says, else the defaults. Raises WrongUse, naming the key, when wrong."""
    path = workspace.root / CONFIG_NAME
    return read_toml(path, Settings) if path.is_file() else Settings()


def declared_run(settings: Settings, dataset: str, given: dict[str, Any]) -> dict[str, Any]:
    """Put what is given over the file's [[train]] table for a dataset, where it has exactly one.

    Of a section, such as `evaluation`, what is given replaces only what it names.
    """
    declared = [dict(run) for run in settings.train if run.get("dataset") == dataset]
    base = declared[0] if len(declared) == 1 else {}
    sections = {
        name: {**base[name], **value}
        for name, value in given.items()
        if isinstance(value, dict) and isinstance(base.get(name), dict)
    }
    return {**base, **given, **sections}


def train_config(settings: Settings, given: dict[str, Any]) -> Any:
    """Fill a run's settings up with those of the policy. Raises WrongUse, naming the key."""
    from train.config import TrainConfig

    policy = settings.policy
    shared = {
        "policy": policy.source,
        "template": policy.template,
        "max_tokens": policy.max_tokens,
        "temperature": policy.temperature,
        "seed": settings.seed,
        "reward": settings.reward,
        "rewards": {name: reward.model_dump() for name, reward in settings.rewards.items()},
    }
    return validated(shared | given, TrainConfig, "settings of the training run")
