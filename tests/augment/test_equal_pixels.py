"""Equal pixels anywhere: as far as one machine can show, by taking its newer instructions away."""

import hashlib
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from augment.history import Applied, replay
from augment.transforms import TRANSFORMS

PICTURES = sorted(name for name, transform in TRANSFORMS.items() if transform.medium == "image")
SLOWER = {
    "OPENCV_CPU_DISABLE": "AVX2,AVX,SSE4.2,SSE4.1,FP16,FMA3",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL",
}


def pixels_of(name: str) -> str:
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (163, 217, 3)).astype(np.uint8)
    digest = hashlib.sha256()
    for _ in range(6):
        step = Applied(name, TRANSFORMS[name].draw(rng), TRANSFORMS[name].version)
        digest.update(replay(small, [step]).tobytes())
    return digest.hexdigest()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names instructions of x86")
def test_a_processor_without_the_newer_instructions_gives_the_same_pixels() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_equal_pixels as here\n"
        "for name in here.PICTURES: print(name, here.pixels_of(name))"
    )
    folder = os.path.dirname(__file__)  # noqa: PTH120
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, folder],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **SLOWER},
    ).stdout
    assert there.splitlines() == [f"{name} {pixels_of(name)}" for name in PICTURES]
