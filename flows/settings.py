"""What `curricle.toml` says: everything that a refresh of the workspace needs to know."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipelines.workspace import CONFIG_NAME, Workspace, read_toml, validated


class Section(BaseModel):
    """A table of the file: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySettings(Section):
    """Which model answers."""

    source: str = "tiny"
    """`tiny` (built on first use), a checkpoint folder, or a hub id."""
    template: str = "plain"
    """Prompt template by name."""
    max_tokens: int = Field(default=24, ge=1)
    """Longest answer, in tokens."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature, for scoring, training and evaluation alike."""


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
    """A corpus that Curricle knows (`curricle ingest --list`)."""
    path: Path | None = None
    """Its folder, relative to the workspace; a generated corpus has none."""
    options: GeneratorOptions = GeneratorOptions()
    """What a generated corpus is made from."""


class AugmentSettings(Section):
    """Which views are made."""

    recipes: tuple[str, ...] = ()
    """Recipes by name."""
    copies: int = Field(default=1, ge=1)
    """Views of each sample by each recipe."""


class ScoreSettings(Section):
    """Which samples the policy is asked about, and how often."""

    where: str = "split = 'train'"
    """A SQL condition over the view `candidates`."""
    block: int = Field(default=4, ge=1)
    """Answers asked for at once."""
    cap: int = Field(default=16, ge=1)
    """Most answers asked for per sample."""
    low: float = Field(default=0.1, ge=0, le=1)
    """Lower edge of the band that is to be decided."""
    high: float = Field(default=0.9, ge=0, le=1)
    """Upper edge of the band that is to be decided."""
    confidence: float = Field(default=0.9, gt=0.5, lt=1)
    """Stop when the band is this probable, or this improbable."""
    batch: int = Field(default=128, ge=1)
    """Samples per unit of work."""


class SearchSettings(Section):
    """Which samples are searched, and how far."""

    where: str = ""
    """A SQL condition over `candidates` joined with `difficulty`; empty searches nothing."""
    iterations: int = Field(default=50, ge=1)
    """Most iterations per sample."""
    limit: int = Field(default=0, ge=0)
    """Most samples to search; 0 means all."""


class Settings(Section):
    """What `curricle.toml` may say."""

    seed: int = 0
    """Root of every random draw."""
    policy: PolicySettings = PolicySettings()
    """The policy that is asked and trained."""
    corpora: tuple[CorpusSettings, ...] = ()
    """What a refresh brings in."""
    augment: AugmentSettings = AugmentSettings()
    """Which views a refresh makes."""
    score: ScoreSettings = ScoreSettings()
    """What a refresh asks the policy."""
    search: SearchSettings = SearchSettings()
    """What a refresh searches."""
    plans: tuple[Path, ...] = ()
    """Plans that a refresh freezes, relative to the workspace."""
    train: tuple[dict[str, Any], ...] = ()
    """Runs that a refresh makes, each as `curricle train` takes it; all in one are comparable."""


def read_settings(workspace: Workspace) -> Settings:
    """What curricle.toml says, else the defaults. Raises WrongUse, naming the key, when wrong."""
    path = workspace.root / CONFIG_NAME
    return read_toml(path, Settings) if path.is_file() else Settings()


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
    }
    return validated(shared | given, TrainConfig, "settings of the training run")
