"""Augmenting pictures: noise, affine, jitter and jpeg on photographs of 512x512, on one core.

The peers are albumentations' and torchvision's own compositions with the same numbers; every
contender draws its noise and gives a picture of the same strength of change, which is checked. The
limit is the same four steps by bare calls of OpenCV, with noise made beforehand and nothing drawn,
checked or recorded, and its result the same only on one kind of processor.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from measuring import Timed, interleaved, report

from augment.history import Applied, replay, replay_to_jpeg
from augment.image import Image, jpeg_file
from augment.transforms import find
from pipelines.quiet import library_defaults

SIDE = 512
SIGMA, DEGREES, PERCENT, SHEAR, SHIFT = 10, 6, 105, 3, 2
"""In 1/255, degrees, percent, degrees, and percent of a side."""
LIGHT, CONTRAST, HUE, SATURATION, QUALITY = 110, 115, 12, 130, 70
Chain = Callable[[Image], Any]


def photographs(count: int) -> list[Image]:
    """Cut windows from the photographs that scikit-learn brings along."""
    import cv2
    from sklearn.datasets import load_sample_images

    larger = [cv2.resize(np.asarray(p), (768, SIDE)) for p in load_sample_images().images]
    starts = np.linspace(0, 768 - SIDE, count).astype(int)
    return [
        np.ascontiguousarray(larger[n % 2][:, start : start + SIDE])
        for n, start in enumerate(starts)
    ]


class Ours:
    """Draw, record and replay, as a view is made."""

    fixed: Mapping[str, Mapping[str, int]] = {
        "gaussian_noise": {"sigma": SIGMA},
        "affine": {
            "decidegrees": 10 * DEGREES,
            "percent": PERCENT,
            "shear": 10 * SHEAR,
            "x": 10 * SHIFT,
            "y": 10 * SHIFT,
        },
        "brightness_contrast": {"brightness": LIGHT, "contrast": CONTRAST},
        "hue_saturation": {"hue": HUE, "saturation": SATURATION},
        "jpeg": {"quality": QUALITY},
    }

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def history(self) -> list[Applied]:
        """Draw every number from limits that leave one, and the seed."""
        steps = []
        for name, fixed in self.fixed.items():
            transform = find(name)
            limits = {key: (value, value) for key, value in fixed.items()}
            steps.append(Applied(name, transform.draw(self.rng, **limits), transform.version))
        return steps

    def __call__(self, image: Image) -> Image:
        return replay(image, self.history())

    def file(self, image: Image) -> bytes:
        """Give what would be written: the last step's own file."""
        return replay_to_jpeg(image, self.history())

    def encoded(self, image: Image) -> bytes:
        """Give the pixels of the chain as yet another file."""
        return jpeg_file(self(image), quality=90)


def with_albumentations() -> Chain:
    import albumentations as al

    chain = al.Compose(
        [
            al.GaussNoise(std_range=(SIGMA / 255, SIGMA / 255), p=1),
            al.Affine(
                rotate=(-DEGREES, -DEGREES),
                scale=(PERCENT / 100, PERCENT / 100),
                shear={"x": (SHEAR, SHEAR), "y": (0, 0)},
                translate_percent=(SHIFT / 100, SHIFT / 100),
                p=1,
            ),
            al.ColorJitter(
                brightness=(LIGHT / 100, LIGHT / 100),
                contrast=(CONTRAST / 100, CONTRAST / 100),
                saturation=(SATURATION / 100, SATURATION / 100),
                hue=(HUE / 360, HUE / 360),
                p=1,
            ),
            al.ImageCompression(quality_range=(QUALITY, QUALITY), p=1),
        ]
    )
    return lambda image: chain(image=image)["image"]


def with_torchvision() -> Chain:
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    chain = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.GaussianNoise(sigma=SIGMA / 255),
            v2.ToDtype(torch.uint8, scale=True),
            v2.RandomAffine(
                degrees=(-DEGREES, -DEGREES),
                translate=None,
                scale=(PERCENT / 100, PERCENT / 100),
                shear=(SHEAR, SHEAR),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(
                brightness=(LIGHT / 100, LIGHT / 100),
                contrast=(CONTRAST / 100, CONTRAST / 100),
                saturation=(SATURATION / 100, SATURATION / 100),
                hue=(HUE / 360, HUE / 360),
            ),
            v2.JPEG(quality=QUALITY),
        ]
    )

    def run(image: Image) -> Any:
        # Pictures are decoded to [height, width, 3]; torchvision wants the channels first.
        tensor = torch.from_numpy(image).permute(2, 0, 1).contiguous()
        return chain(tensor).permute(1, 2, 0).numpy()

    return run


def with_bare_calls() -> Chain:
    import cv2

    from augment.colour import UNIT, colour_matrix, light_table
    from augment.spatial import affinity

    move = affinity(SIDE, SIDE, **{key: int(n) for key, n in Ours.fixed["affine"].items()})
    matrix = np.array(move.matrix[:2])
    noise = (np.random.default_rng(0).normal(0, SIGMA, (SIDE, SIDE, 3))).astype(np.int16)
    colours = (colour_matrix(HUE, SATURATION) / UNIT).astype(np.float32)
    table, settings = light_table(LIGHT, CONTRAST), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]

    def run(image: Image) -> Any:
        noisy = np.clip(noise + image, 0, 255).astype(np.uint8)
        # Four channels are warped in half the time of three.
        wide = cv2.cvtColor(noisy, cv2.COLOR_RGB2BGRA)
        warped = cv2.warpAffine(wide, matrix, (SIDE, SIDE), borderValue=(128, 128, 128, 0))
        lit = cv2.LUT(cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), table)
        file = cv2.imencode(".jpg", cv2.transform(lit, colours[::-1, ::-1]), settings)[1]
        return cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)

    return run


def check_alike(chains: Mapping[str, Chain], image: Image) -> None:
    """Fail when a contender changes a picture much less or more than ours does."""
    changes = {
        name: float(np.abs(np.asarray(chain(image), dtype=float) - image).mean())
        for name, chain in chains.items()
    }
    print("mean change of a pixel:", ", ".join(f"{name} {v:.1f}" for name, v in changes.items()))
    for name, change in changes.items():
        if not 0.7 < change / changes["curricle"] < 1.4:
            raise AssertionError(f"{name} changes a picture by {change:.1f}: {changes}")


def over(chain: Chain, pictures: list[Image]) -> int:
    for picture in pictures:
        chain(picture)
    return len(pictures)


def step_by_step(pictures: list[Image], rounds: int) -> dict[str, float]:
    """Measure each of our steps alone, in milliseconds."""
    out = {}
    for step in Ours().history():
        times = []
        for picture in pictures * rounds:
            start = time.perf_counter()
            replay(picture, [step])
            times.append(time.perf_counter() - start)
        out[step.name] = 1000 * statistics.median(times)
    return out


def tell(timed: Mapping[str, Timed], pictures: int) -> None:
    """Print the ratios that are promised, from the medians of this run."""
    ours = timed["curricle"].median
    for name in ("albumentations", "torchvision v2"):
        print(f"{name} takes {timed[name].median / ours:.2f} times as long")
    print(f"{pictures / ours:.0f} pictures a second on one core")
    for name in ("curricle, to a file", "curricle, encoded again"):
        print(f"{name}: {100 * (timed[name].median / ours - 1):+.0f}% on top of the chain")


def main() -> None:
    library_defaults()
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import cv2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the work, three rounds")
    quick = parser.parse_args().quick
    cv2.setNumThreads(1)
    pictures = photographs(10 if quick else 50)
    ours = Ours()
    chains: dict[str, Chain] = {
        "curricle": ours,
        "albumentations": with_albumentations(),
        "torchvision v2": with_torchvision(),
        "limit: bare OpenCV": with_bare_calls(),
    }
    check_alike(chains, pictures[0])
    files: dict[str, Chain] = {
        "curricle, to a file": ours.file,
        "curricle, encoded again": ours.encoded,
    }
    contenders = {name: partial(over, chain, pictures) for name, chain in (chains | files).items()}
    timed = interleaved(contenders, 3 if quick else 9)
    steps = step_by_step(pictures[:10], 1 if quick else 5)
    print("ours, ms:", ", ".join(f"{name} {ms:.2f}" for name, ms in steps.items()))
    tell(timed, len(pictures))
    report(
        "augment_image",
        {name: timed[name] for name in chains},
        ours="curricle",
        limit="limit: bare OpenCV",
    )


if __name__ == "__main__":
    main()
