"""Evidence that others made: outcomes of other policies on a corpus, told by the corpus itself."""

from dataclasses import dataclass

from pipelines.record.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRollout:
    """One answer of somebody else's policy to one sample, graded by them."""

    sample: Sample
    policy: str
    """Corpus and model, such as `gsm8k/6b_finetuning`."""
    template: str
    """How the question was put: the wording where it is known, else a name."""
    completion: str | None
    """What the policy wrote; None where only the outcome was published."""
    correct: bool
    reward: str
    """Who graded, as name@version."""
    k: int
    """Index among the answers of one policy, under one template, to one sample."""
    source_ref: str
    """The record of the corpus that tells of it."""
