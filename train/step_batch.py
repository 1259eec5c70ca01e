"""The tensors of one update, put together from several draws: what TRL made of each, row by row.

Shapes: a draw has B rows, prompts padded on the left to P tokens, completions on the right to C.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import pad
from trl.trainer.utils import split_pixel_values_by_grid, unsplit_pixel_values_by_grid

PROMPT = frozenset({"prompt_ids", "prompt_mask"})
COMPLETION = frozenset(
    {
        *("completion_ids", "completion_mask", "tool_mask", "old_per_token_logps"),
        *("ref_per_token_logps", "sampling_per_token_logps", "importance_sampling_ratio"),
    }
)
BOTH = frozenset({"token_type_ids", "mm_token_type_ids"})
"""Along the prompt and the completion, (B, P + C)."""
OF_BATCH = frozenset({"num_items_in_batch"})

Draw = Mapping[str, Any]
"""What `_generate_and_score_completions` gives, for one call of it."""
Place = tuple[int, int]
"""A row: the number of its draw, and the place in that."""


def put_together(draws: Sequence[Draw], places: Sequence[Place], pad_token: int) -> dict[str, Any]:
    """Give the batch whose rows stand at `places`; what holds for a whole batch is left out."""
    split = [split_pixel_values_by_grid(dict(draw)) for draw in draws]
    width = max(draw["prompt_ids"].size(1) for draw in draws)
    length = max(draw["completion_ids"].size(1) for draw in draws)
    made: dict[str, Any] = {}
    for name in split[0]:
        if name in OF_BATCH:
            continue
        widths = {"width": width, "length": length, "pad_token": pad_token}
        values = [_widened(name, draw[name], draw, **widths) for draw in split]
        rows = [values[draw][row] for draw, row in places]
        made[name] = torch.stack(rows) if isinstance(values[0], torch.Tensor) else rows
    whole: dict[str, Any] = unsplit_pixel_values_by_grid(made)
    return whole


def left_out(batch: dict[str, Any], rows: Sequence[int], *, share_kept: float) -> None:
    """Take rows out of the update: none of their tokens counts, and no row counts less for it.

    Losses that average over tokens see a smaller batch; those that average over rows divide by
    all B, so the advantages of the others, in which the loss is linear, grow by 1 / `share_kept`.
    """
    batch["completion_mask"] = batch["completion_mask"].clone()
    batch["completion_mask"][list(rows)] = 0
    batch["advantages"] = batch["advantages"] / share_kept


def _widened(name: str, value: Any, draw: Draw, *, width: int, length: int, pad_token: int) -> Any:
    """Pad rows to the common widths; what has no tokens stays as it is."""
    left = width - draw["prompt_ids"].size(1)
    own = draw["completion_ids"].size(1)
    if name in PROMPT:
        return pad(value, (left, 0), value=pad_token if name == "prompt_ids" else 0)
    if name in BOTH:
        return pad(value, (left, length - own))
    if name in COMPLETION:
        # A ratio of whole answers is one value a row: it holds for each of its tokens.
        by_token = value.expand(-1, own)
        return pad(by_token, (0, length - own), value=pad_token if name == "completion_ids" else 0)
    return value
