"""Why each sample of the page is in the set or not, in words that count as filters."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.report.browsing import Known
from flows.report.sets import SetFacts
from pipelines.curation.counting import REASONS
from pipelines.curation.plans import Plan
from pipelines.curation.reasons import reasons_of
from pipelines.workspace import Workspace, WrongUse

KEPT = "in the set"
CONTROL_ONLY = "in the control only"
BEYOND = "beyond the size or quota"
NEW = "would be kept today"
UNKNOWN = "not in the set"
NO_SET = "no set yet"


@dataclass(frozen=True, slots=True)
class Reasons:
    """The first rule of a plan against each sample."""

    by_sample: Mapping[str, str]
    has_quota: bool = False
    problem: str = ""
    """Why the rules cannot be looked up any more; empty where they can."""
    frozen: bool = True
    """Whether there is a set at all."""

    def of(self, known: Known) -> str:
        """Say in a few words where a sample stands."""
        if not self.frozen:
            return NO_SET
        if known.row["position"] is not None:
            return KEPT
        rule = self.by_sample.get(known.sample_id)
        if rule is None:
            return UNKNOWN
        if rule:
            return REASONS.get(rule, rule)
        return BEYOND if self.has_quota else NEW


def read_reasons(workspace: Workspace, sets: list[SetFacts]) -> Reasons:
    """Hold every sample against the plan of the first curated set, by today's evidence."""
    curated = [one for one in sets if one.version.kind == "curated"]
    if not curated:
        return Reasons({}, frozen=bool(sets))
    plan = Plan.model_validate(curated[0].manifest.plan)
    quota = plan.quota.size is not None or plan.quota.per_task is not None
    try:
        return Reasons(reasons_of(workspace, plan), quota)
    except WrongUse as error:
        return Reasons({}, quota, str(error))
