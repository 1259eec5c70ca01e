"""The manifest of a dataset version: everything that decided it, and the hash of every shard.

No date, host or path enters the hashed part, and fractions are decimal strings, so the same seed
over the same catalog gives the same manifest, byte for byte.
"""

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.curation.counting import Counts
from pipelines.record.canonical import content_hash

FORMAT = 1
MANIFEST_NAME = "manifest.json"
CARD_NAME = "card.md"
NOT_HASHED = {"manifest_hash", "made_with"}


class DatasetError(RuntimeError):
    """A dataset version is missing, damaged or cannot be rebuilt; the message names what."""


class Part(BaseModel):
    """A piece of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceUsed(Part):
    """Answers of one policy, asked and graded in one way, that the candidates have."""

    policy_id: str
    policy: str
    template_id: str
    template: str
    sampling_id: str
    reward_id: str
    samples: int
    tries: int


class RunUsed(Part):
    """A training run that the plan looked at, and the candidates whose tries are its answers."""

    run_id: str
    dataset: str
    """`name@version` that it trained on."""
    policy_id: str
    """The policy that it trained; the run's own id where it has not ended."""
    policy: str
    last_step: int
    reward_ids: tuple[str, ...]
    samples: int
    answers: int
    """Graded answers, before they were discounted for their age."""


class TrainingUsed(Part):
    """What training runs had to say when a set froze."""

    runs: tuple[RunUsed, ...]
    samples: tuple[str, ...]
    """Samples of the set whose tries are training answers; by sample_id."""


class CorpusUsed(Part):
    """Where samples of the set came from; one seen in several corpora counts in each."""

    corpus: str
    title: str
    licence: str
    homepage: str
    revision: str
    samples: int


class LeaksRemoved(Part):
    """A benchmark that the catalog knows, and the samples left out because they repeat it."""

    benchmark: str
    revision: str
    samples: int


class ContentUsed(Part):
    """What samples of the set ask: how many of a task, with which media and kind of answer."""

    task: str
    modality: str
    answer_kind: str
    samples: int


class RecipeUsed(Part):
    """An augmentation whose views are in the set."""

    recipe: str
    samples: int


class Doubts(Part):
    """What is known, or was never tested, against the samples of a set when it froze."""

    unsolved: int
    """Samples without one right answer of the policies that the plan looks at."""
    unsolved_by_all: tuple[str, ...]
    """Those of them that no policy ever solved, so that their labels may be wrong; by sample_id."""
    blind_untested: int
    """Samples with media that were never asked with the media blanked or withheld."""
    shuffle_untested: int
    """Choices that were never asked with their options in another order."""


class StageCount(Part):
    """How large one stage is."""

    stage: int
    rows: int
    padded: int


class ShardFile(Part):
    """One Parquet file of the set."""

    name: str
    rows: int
    sha256: str


class Manifest(Part):
    """What a dataset version is, and out of what it was made."""

    format: Literal[1] = 1
    dataset: str
    version: int
    kind: Literal["curated", "control"]
    control: str | None
    """`name@version` of the control that was drawn with a curated set."""
    control_of: str | None
    """`name@version` of the curated set that a control belongs to."""
    control_manifest_hash: str | None
    plan: dict[str, Any]
    catalog_schema: int
    evidence: tuple[EvidenceUsed, ...]
    training: TrainingUsed | None = None
    """Training runs that the plan looked at; left out of the file and its hash where it did not."""
    leaks: tuple[LeaksRemoved, ...] = ()
    """Benchmarks that samples were compared with; left out where the catalog has none."""
    contents: tuple[ContentUsed, ...] = ()
    """By task, medium and kind of answer; versions that were frozen before have none."""
    corpora: tuple[CorpusUsed, ...]
    recipes: tuple[RecipeUsed, ...]
    counts: Counts
    interleaving: str
    """The rule by which the batches of both classes follow each other."""
    stages: tuple[StageCount, ...]
    samples: int
    rows: int
    """Samples and their padding."""
    doubts: Doubts
    mean_pass_rate: str
    completions: int
    predicted_zero_advantage: str
    """Expected share of groups of `completions` answers that are all right or all wrong."""
    predicted_all_right: str
    predicted_all_wrong: str
    predicted_low: str
    """95% interval of the share that a first pass over the rows will see."""
    predicted_high: str
    selection_hash: str
    shards: tuple[ShardFile, ...] = ()
    manifest_hash: str = ""
    made_with: dict[str, str] = {}
    """Versions of the libraries that wrote the bytes; not part of the hash."""

    @property
    def label(self) -> str:
        """The dataset's name and version, as people write it."""
        return f"{self.dataset}@{self.version}"

    def sealed(self, shards: tuple[ShardFile, ...], made_with: dict[str, str]) -> Self:
        """Give the manifest with its shards and the hash over everything."""
        whole = self.model_copy(update={"shards": shards, "made_with": made_with})
        return whole.model_copy(update={"manifest_hash": whole.expected_hash})

    @property
    def expected_hash(self) -> str:
        """The hash of everything but itself and the library versions."""
        return content_hash(self.model_dump(mode="json", exclude=NOT_HASHED | self._unused))

    @property
    def _unused(self) -> set[str]:
        """Fields that versions had not always, where they say nothing: old hashes stay true."""
        unused = {
            "training": self.training is None,
            "leaks": not self.leaks,
            "contents": not self.contents,
        }
        return {name for name, says_nothing in unused.items() if says_nothing}

    def text(self) -> str:
        """Give the bytes of `manifest.json`, readable and in a fixed form."""
        content = self.model_dump(mode="json", exclude=self._unused)
        return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse_manifest(text: str, where: str) -> Manifest:
    """Read a manifest. Raises DatasetError when it is damaged or was changed by hand."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise DatasetError(f"{where} is damaged: {first['loc']}: {first['msg']}") from error
    if manifest.manifest_hash != manifest.expected_hash:
        raise DatasetError(f"{where} was changed: it no longer has its own hash")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a version's folder. Raises DatasetError when that is no version."""
    path = folder / MANIFEST_NAME
    try:
        return parse_manifest(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise DatasetError(
            f"{folder} is not a dataset version: it has no {MANIFEST_NAME}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
