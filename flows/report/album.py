"""Which media the page holds: those of the first samples first, until the budget is spent."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from flows.report.browsing import Known
from flows.report.thumbnails import Shown, Wanted, shown
from pipelines.record.media import MediaStore
from pipelines.workspace import Progress

AT_ONCE = 64
"""Media that are drawn between two looks at the budget."""
SOUND_SHARE = 0.4
"""Most of the budget that clips may take; beyond it, their spectrograms stand alone."""
DRAWING = "drawing small pictures"


@dataclass
class Album:
    """The media of a page, each held once however many samples show it."""

    budget: int
    """Characters that all of them may take."""
    numbers: dict[Wanted, int] = field(default_factory=dict)
    held: list[Shown] = field(default_factory=list)
    left_out: int = 0
    """Media that the budget had no room for."""
    muted: int = 0
    """Clips that are shown and not to be heard."""
    spent: int = 0
    heard: int = 0
    """Characters of sound."""

    def number(self, wanted: Wanted) -> int:
        """Give the place of a medium on the page, -1 where it was left out."""
        return self.numbers.get(wanted, -1)

    def take(self, wanted: Wanted, found: Shown) -> None:
        """Hold a medium, as far as there is room."""
        if found.clip and self.heard + len(found.clip) > SOUND_SHARE * self.budget:
            found = Shown(found.picture, found.width, found.height)
            self.muted += 1
        if self.spent + found.size > self.budget:
            self.left_out += 1
            return
        self.numbers[wanted] = len(self.held)
        self.held.append(found)
        self.spent += found.size
        self.heard += len(found.clip)


def fill_album(
    store: MediaStore, samples: Sequence[Known], budget: int, progress: Progress
) -> Album:
    """Draw the media of samples, in their order, until the budget is spent."""
    album = Album(budget)
    wanted = list(dict.fromkeys(one for known in samples for one in wanted_of(known)))
    waiting, done = iter(wanted), 0
    with ThreadPoolExecutor(4) as pool:
        while part := list(islice(waiting, AT_ONCE)):
            if album.left_out > AT_ONCE:
                break
            for one, found in zip(part, pool.map(lambda w: shown(store, w), part), strict=True):
                album.take(one, found)
            done += len(part)
            progress(DRAWING, done, len(wanted))
    album.left_out = len(wanted) - len(album.held)
    progress(DRAWING, len(wanted), len(wanted))
    return album


def wanted_of(known: Known) -> Iterator[Wanted]:
    """Name the media of a sample as it shows them."""
    row = known.row
    placed = row["answer"] if row["answer_kind"] in ("box", "boxes", "point") else ""
    for medium in known.media:
        yield Wanted(medium["media_id"], medium["kind"] or "unknown", row["history"] or "", placed)
