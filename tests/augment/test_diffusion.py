import itertools
import math

import numpy as np
import pytest

from augment import gaussian
from augment.annealing import Annealing, noise_step
from augment.diffusion import STEPS, alpha_bar, diffusion_noise, noise_level
from augment.errors import AugmentError

GEO3K = Annealing("sigmoid", strongest=500, midpoint=40 / 60, steepness=30)


@pytest.mark.parametrize(
    ("step", "kept", "noise"),
    [
        (100, 0.998, 0.058),
        (250, 0.989, 0.147),
        (400, 0.945, 0.328),
        (450, 0.911, 0.413),
        (500, 0.863, 0.505),
    ],
)
def test_the_closed_form_gives_the_measured_levels(step: int, kept: float, noise: float) -> None:
    assert math.sqrt(alpha_bar(step)) == pytest.approx(kept, abs=6e-4)
    assert noise_level(step) == pytest.approx(noise, abs=6e-4)


def test_alpha_bar_is_the_product_over_all_steps_up_to_one() -> None:
    product = 1.0
    for step in range(STEPS):
        beta = 1e-5 + (5e-3 - 1e-5) / (1 + math.exp(6 - 12 * step / (STEPS - 1)))
        product *= 1 - beta
        assert alpha_bar(step) == pytest.approx(product, rel=1e-9)


@pytest.mark.parametrize("step", [0, 100, 250, 400, 500, 999])
def test_noise_is_the_formula_on_pixels_from_0_to_1(step: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 61, 3)).astype(np.uint8)
    eps = gaussian.pooled(9, image.size).reshape(image.shape) / gaussian.UNIT
    exact = math.sqrt(alpha_bar(step)) * image / 255 + math.sqrt(1 - alpha_bar(step)) * eps
    out = diffusion_noise(image, step=step, seed=9)
    assert np.abs(out - exact.clip(0, 1) * 255).max() <= 0.51


@pytest.mark.parametrize("step", [100, 200, 250])
def test_the_noise_that_is_seen_has_the_level_of_its_step(step: int) -> None:
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    out = diffusion_noise(grey, step=step, seed=3) / 255
    assert out.std() == pytest.approx(noise_level(step), rel=0.02)
    assert out.mean() == pytest.approx(math.sqrt(alpha_bar(step)) * 128 / 255, abs=0.002)


def test_a_step_and_a_seed_give_the_same_pixels_and_another_seed_others() -> None:
    grey = np.full((9, 9, 3), 128, dtype=np.uint8)
    one = diffusion_noise(grey, step=300, seed=1)
    assert np.array_equal(one, diffusion_noise(grey, step=300, seed=1))
    assert not np.array_equal(one, diffusion_noise(grey, step=300, seed=2))


def test_the_published_schedule_of_geo3k() -> None:
    seen = {step: noise_step(GEO3K, step / 60) for step in (1, 30, 35, 38, 40, 42, 45, 50, 55)}
    assert seen == {1: 499, 30: 496, 35: 462, 38: 365, 40: 250, 42: 134, 45: 37, 50: 3, 55: 0}


SCHEDULES = [
    GEO3K,
    Annealing("sigmoid", midpoint=0.3, steepness=60),
    Annealing("exp", midpoint=0.1),
    Annealing("power", midpoint=0.7),
    Annealing("linear", midpoint=0.5),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_falls_to_half_at_its_midpoint_and_to_nothing_at_the_end(
    schedule: Annealing,
) -> None:
    assert schedule.decay(schedule.midpoint) == pytest.approx(0.5, abs=1e-12)
    course = [schedule.decay(step / 1000) for step in range(1001)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(course))
    assert course[0] == pytest.approx(1, abs=1e-3)
    assert schedule.left_at_the_end < 1e-3
    assert noise_step(schedule, 0) >= 499
    assert noise_step(schedule, 1) == 0


@pytest.mark.parametrize("midpoint", [0.1, 1 / 3, 0.5, 0.77])
def test_the_sigmoid_is_exactly_half_at_its_midpoint(midpoint: float) -> None:
    assert Annealing("sigmoid", midpoint=midpoint).decay(midpoint) == 0.5


def test_a_late_midpoint_leaves_noise_at_the_end_and_says_so() -> None:
    assert Annealing("sigmoid", midpoint=0.999).left_at_the_end == pytest.approx(0.5, abs=0.01)
    assert Annealing("exp", midpoint=0.5).left_at_the_end == 0.25


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"shape": "cosine"}, "unknown shape 'cosine'; known are sigmoid, exp, power, linear"),
        ({"midpoint": 40}, "a midpoint is a share of the run above 0 and below 1, not 40"),
        ({"midpoint": 1.0}, "a midpoint is a share of the run"),
        ({"shape": "linear", "midpoint": 0.3}, "a linear schedule has its midpoint at 0.5"),
        ({"strongest": 1000}, "the strongest step is from 0 to 999"),
        ({"steepness": 0}, "the steepness above 0"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        Annealing(**given)  # type: ignore[arg-type]


def test_progress_is_a_share_and_not_a_step() -> None:
    with pytest.raises(AugmentError, match="progress is a share of the run from 0 to 1, not 12"):
        GEO3K.decay(12)
