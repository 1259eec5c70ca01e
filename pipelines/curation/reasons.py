"""Why each sample is in a plan's set or not, by the evidence that there is now.

The counts of a manifest are those of the day on which it froze; this looks at every sample by name.
"""

import numpy as np
import pyarrow as pa

from pipelines.curation.band import verdict
from pipelines.curation.candidates import every_sample, kind_of
from pipelines.curation.kinds import Numbering
from pipelines.curation.plans import Plan
from pipelines.workspace import Workspace


def reasons_of(workspace: Workspace, plan: Plan) -> dict[str, str]:
    """Give the first rule against each sample (`counting.REASONS`), empty where there is none.

    Quotas and shares are drawn among those that are left: a sample without a reason may still be
    beyond them. Raises WrongUse when the plan can no longer be applied.
    """
    found = every_sample(workspace, plan).combine_chunks()
    if not found.num_rows:
        return {}
    (batch,) = found.drop_columns(["sample_id"]).to_batches()
    numbering = Numbering()
    numbers = numbering.number(batch)
    told = np.array([row["reason"] or _verdict(row, plan) for row in numbering.rows], object)
    ids: pa.Array = found["sample_id"]
    return dict(zip(ids.to_pylist(), told[numbers].tolist(), strict=True))


def _verdict(row: dict[str, object], plan: Plan) -> str:
    return verdict(kind_of(row), plan.band, plan.gates, plan.training)
