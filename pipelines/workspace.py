"""A workspace: one folder with a catalog, its media, datasets, runs, policies and settings."""

import os
import tomllib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.catalog import Catalog
from pipelines.record.media import MediaStore

CONFIG_NAME = "curricle.toml"
DEFAULT_NAME = "curricle-workspace"

T = TypeVar("T", bound=BaseModel)
Progress = Callable[[str, int, int | None], None]
"""Called with (what is being done, how many are done, of how many or None)."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Report progress to nobody."""


class WrongUse(ValueError):
    """The person asked for something that cannot be; the message says what to do."""


class PolicySettings(BaseModel):
    """Which model answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = "tiny"
    """`tiny` (built on first use), a checkpoint folder, or a hub id."""
    template: str = "plain"
    """Prompt template by name."""
    max_tokens: int = Field(default=24, ge=1)
    """Longest answer, in tokens."""
    temperature: float = Field(default=1.0, ge=0)
    """Sampling temperature, for scoring and training alike."""


class Settings(BaseModel):
    """What `curricle.toml` may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: PolicySettings = PolicySettings()
    """The policy that is asked and trained."""
    seed: int = 0
    """Root of every random draw."""


class Workspace:
    """The folder and what lies in it."""

    def __init__(self, root: Path, *, lock_timeout: float = 60.0) -> None:
        self.root = root.absolute()
        self.catalog = Catalog(self.root, lock_timeout=lock_timeout)
        self.media = MediaStore(self.root / "media")
        self.datasets = self.root / "datasets"
        self.runs = self.root / "runs"
        self.policies = self.root / "policies"

    @classmethod
    def find(cls, given: Path | None = None, *, lock_timeout: float = 60.0) -> Self:
        """Take the given folder, else the nearest with a curricle.toml, else the default one."""
        if given is not None:
            return cls(given, lock_timeout=lock_timeout)
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder, lock_timeout=lock_timeout)
        return cls(here / DEFAULT_NAME, lock_timeout=lock_timeout)

    @cached_property
    def settings(self) -> Settings:
        """What curricle.toml says, else the defaults. Raises WrongUse for a key it cannot have."""
        path = self.root / CONFIG_NAME
        return read_toml(path, Settings) if path.is_file() else Settings()

    def require(self) -> Self:
        """Raise WrongUse when there is no catalog here yet."""
        if not self.catalog.path.exists():
            raise WrongUse(
                f"{self.root} is not a workspace yet; run `curricle ingest` or `curricle demo` first"
            )
        return self


def read_toml(path: Path, model: type[T]) -> T:
    """Read a TOML file into a model. Raises WrongUse, naming the file and the key."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongUse(f"{path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path} is not TOML: {error}") from error
    return validated(data, model, str(path))


def validated(data: dict[str, Any], model: type[T], where: str) -> T:
    """Check settings a person wrote. Raises WrongUse with one sentence for the first mistake."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields)
            raise WrongUse(f"{where}: unknown key {key!r}; known at the top: {known}") from error
        raise WrongUse(f"{where}: {key}: {first['msg']}") from error


def library_defaults() -> None:
    """Switch every library's telemetry and update check off, before any of them is imported."""
    for name, value in {
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }.items():
        os.environ.setdefault(name, value)
