"""How complex a picture is: the entropy of its grey-level co-occurrences (Haralick, 1973).

FAST (arXiv 2504.18458) measures pictures by it, beside the doubt of a classifier, which is left
out here: it would need a second model.
"""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from pipelines.policies.render import ReadMedia
from pipelines.record.media import BadMedia, decode_image
from pipelines.record.sample import Sample

LEVELS = 32
"""Greys that are told apart."""
LONGEST_SIDE = 512
"""Larger pictures are thinned out to about this before they are looked at."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns to the other pixel of a pair: to the right, down, and both diagonals."""
REMEMBERED = 1_000_000


class Complexities:
    """Complexities of samples' pictures, each looked at once."""

    def __init__(self, read: ReadMedia) -> None:
        self.read = read
        self._known: OrderedDict[str, float | None] = OrderedDict()

    def of(self, sample: Sample) -> float | None:
        """Mean over a sample's pictures as they came; None where it has none that can be read."""
        found = [self._of(m.media_id) for m in sample.media if m.kind == "image"]
        known = [complexity for complexity in found if complexity is not None]
        return sum(known) / len(known) if known else None

    def _of(self, media_id: str) -> float | None:
        if media_id not in self._known:
            try:
                self._known[media_id] = texture_entropy(decode_image(self.read(media_id)))
            except (BadMedia, OSError, KeyError):
                self._known[media_id] = None
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[media_id]


def texture_entropy(image: NDArray[np.uint8]) -> float:
    """Give the entropy of grey-level pairs of neighbours, from 0 (one grey) to 1 (noise)."""
    step = max(1, -(-max(image.shape[:2]) // LONGEST_SIDE))
    grey = np.asarray(image)[::step, ::step].astype(np.float64)
    grey = grey @ (0.299, 0.587, 0.114) if grey.ndim == 3 else grey
    levels = np.clip(grey * LEVELS / 256, 0, LEVELS - 1).astype(np.int64)
    counts = np.sum([_pairs(levels, *shift) for shift in NEIGHBOURS], axis=0)
    if not counts.sum():
        return 0.0
    shares = counts[counts > 0] / counts.sum()
    return float(max(0.0, -(shares * np.log2(shares)).sum() / (2 * np.log2(LEVELS))))


def _pairs(levels: NDArray[np.int64], down: int, right: int) -> NDArray[np.int64]:
    """Count pairs of levels, whichever of the two comes first."""
    height, width = levels.shape
    here = levels[: height - down, max(0, -right) : width - max(0, right)]
    there = levels[down:, max(0, right) : width - max(0, -right)]
    counts = np.bincount((here * LEVELS + there).ravel(), minlength=LEVELS * LEVELS)
    both_ways: NDArray[np.int64] = counts + counts.reshape(LEVELS, LEVELS).T.ravel()
    return both_ways
