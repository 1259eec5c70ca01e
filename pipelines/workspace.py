"""A workspace: one folder with a catalog, its media, datasets, runs, policies and settings."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

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


class Failed(RuntimeError):
    """What was asked for is well put and did not succeed; the message says why."""


class Workspace:
    """The folder and what lies in it."""

    def __init__(self, root: Path, *, lock_timeout: float = 60.0) -> None:
        self.root = root.absolute()
        if "?" in str(self.root):
            raise WrongUse(
                f"{self.root} has a question mark, which DuckDB does not take in the name of a "
                "file; choose another --workspace"
            )
        self.catalog = Catalog(self.root, lock_timeout=lock_timeout)
        self.media = MediaStore(self.root / "media")
        self.datasets = self.root / "datasets"
        self.runs = self.root / "runs"
        self.policies = self.root / "policies"
        self.staging = self.root / "staging"

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

    def require(self) -> Self:
        """Raise WrongUse when there is no catalog here yet, CatalogError when it cannot be used."""
        self.catalog.refuse_loss()
        if not self.catalog.path.exists():
            raise WrongUse(
                f"{self.root} is not a workspace yet; run `curricle ingest` or `curricle demo` first"
            )
        self.catalog.ready()  # before anything that takes long, such as making a policy
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
        said = first["msg"].removeprefix("Value error, ")
        raise WrongUse(": ".join(part for part in (where, key, said) if part)) from error
