"""Pictures that are dark on one side, and policies that really look at them."""

import cv2
import numpy as np

from pipelines.catalog.catalog import Connection
from pipelines.catalog.samples import add_samples
from pipelines.policies.policy import Request
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Workspace


def pictures(count: int, tags: tuple[str, ...] = ("sides",)) -> list[Sample]:
    """Ask which side of a picture is dark; no two pictures are alike."""
    samples = []
    for i in range(count):
        rng = np.random.default_rng(i)
        side = "left" if rng.random() < 0.5 else "right"
        pixels = np.full((16, 40, 3), 230, np.uint8)
        at = int(rng.integers(2, 8)) + (0 if side == "left" else 22)
        pixels[3:13, at : at + 8] = rng.integers(0, 60, 3)
        media = Media.of_bytes(cv2.imencode(".png", pixels)[1].tobytes(), "image")
        samples.append(
            Sample(
                prompt=ask("Which side is filled?", media),
                media=(media,),
                answer=Answer.text(side),
                task="pictures/side",
                tags=tags,
                corpus="pictures",
                source_ref=f"train/{i}",
            )
        )
    return samples


def keep(workspace: Workspace, samples: list[Sample]) -> list[str]:
    """Put samples and their pictures into a workspace, and give their ids."""
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)
        for sample in samples:
            for medium in sample.media:
                workspace.media.put(medium)
                _add_medium(connection, medium)
    return [sample.sample_id for sample in samples]


def _add_medium(connection: Connection, medium: Media) -> None:
    known = connection.execute("from media where media_id = ?", [medium.media_id]).fetchone()
    if known is None:
        connection.execute(
            "insert into media (media_id, kind, width, height) values (?, ?, 40, 16)",
            [medium.media_id, medium.kind],
        )


def looks(request: Request, k: int, seed: int) -> str:
    """Say which half is darker; one time of twenty, say the other."""
    grey = np.asarray(request.images[0].convert("L"), float)
    middle = grey.shape[1] // 2
    is_left = grey[:, :middle].mean() < grey[:, middle:].mean()
    errs = np.random.default_rng([seed, k]).random() < 0.05
    return "left" if is_left != errs else "right"


def looks_through_no_noise(request: Request, k: int, seed: int) -> str:
    """Say what it sees where the margin is plain, and anything else where it is not."""
    plain = np.asarray(request.images[0])[:2].std() < 1
    return looks(request, k, seed) if plain else guesses(request, k, seed)


def guesses(request: Request, k: int, seed: int) -> str:
    """Say anything."""
    return "left" if np.random.default_rng([seed, k, 1]).random() < 0.5 else "right"
