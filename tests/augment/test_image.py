import hashlib

import numpy as np
import pytest

from augment import gaussian
from augment.errors import AugmentError
from augment.history import Applied, replay
from augment.image import Image, blur, gaussian_noise, jpeg, jpeg_file
from augment.transforms import TRANSFORMS
from pipelines.record.media import decode_image

STEPS = {
    "gaussian_noise": {"sigma": 20, "seed": 7},
    "blur": {"tenths": 10},
    "jpeg": {"quality": 60},
    "diffusion_noise": {"step": 250, "seed": 7},
    "brightness_contrast": {"brightness": 90, "contrast": 115},
    "hue_saturation": {"hue": 15, "saturation": 120},
    "grayscale": {},
    "invert": {},
}


def grey(height: int = 128, width: int = 128, value: int = 128) -> Image:
    return np.full((height, width, 3), value, dtype=np.uint8)


def ramp(size: int = 64) -> Image:
    across = np.linspace(0, 255, size)
    red, green = np.meshgrid(across, across)
    return np.stack([red, green, np.full_like(red, 40)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("sigma", [4, 12, 25, 50])
def test_noise_has_the_strength_that_was_asked_for(sigma: int) -> None:
    noise = gaussian_noise(grey(), sigma=sigma, seed=1).astype(float) - 128
    # Rounding to whole values adds a twelfth to the variance.
    assert noise.std() == pytest.approx((sigma**2 + 1 / 12) ** 0.5, rel=0.03)
    assert abs(noise.mean()) < 0.05 * sigma


def test_no_noise_is_the_same_picture() -> None:
    assert np.array_equal(gaussian_noise(ramp(), sigma=0, seed=1), ramp())


def test_the_strongest_noise_stays_within_a_pixel_and_its_tails_keep_their_side() -> None:
    assert gaussian_noise(grey(value=255), sigma=60, seed=1).min() < 255 - 3 * 60
    assert gaussian_noise(grey(value=255), sigma=60, seed=1).max() == 255
    assert gaussian_noise(grey(value=0), sigma=60, seed=1).min() == 0


def test_noise_is_as_independent_between_pixels_as_between_seeds() -> None:
    first, second = (gaussian_noise(grey(), sigma=30, seed=s).astype(float) - 128 for s in (1, 2))
    beside = np.corrcoef(first[:, 1:].ravel(), first[:, :-1].ravel())[0, 1]
    channels = np.corrcoef(first[..., 0].ravel(), first[..., 1].ravel())[0, 1]
    seeds = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert max(abs(beside), abs(channels), abs(seeds)) < 0.05


def test_a_picture_larger_than_the_noise_pool_is_filled_to_its_end() -> None:
    noise = gaussian_noise(grey(700, 700), sigma=20, seed=3).astype(float) - 128
    assert noise.size > gaussian.POOL_SIZE
    assert noise[-50:].std() == pytest.approx(20, rel=0.05)


def test_the_noise_pool_never_changes() -> None:
    digest = hashlib.sha256(gaussian.pool().tobytes()).hexdigest()
    assert digest == "a8d3f915604e5b29ffb9c28c63455d2061ec80b4e24fffa07575342b81c33039"


def test_normal_numbers_are_normal() -> None:
    numbers = gaussian.normals(3, 100_001)
    assert len(numbers) == 100_001
    assert abs(numbers.mean()) < 0.02
    assert numbers.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(numbers) > 2).mean() == pytest.approx(0.0455, abs=0.005)


def test_a_lower_jpeg_quality_loses_more() -> None:
    losses = [
        np.abs(jpeg(ramp(), quality=q).astype(int) - ramp().astype(int)).mean()
        for q in (95, 60, 10)
    ]
    assert losses[0] < losses[1] < losses[2]


def test_jpeg_keeps_red_red() -> None:
    red = np.zeros((32, 32, 3), dtype=np.uint8)
    red[..., 0] = 200
    assert np.abs(jpeg(red, quality=90).astype(int) - red).max() <= 4


def test_jpeg_loses_what_a_file_would_lose() -> None:
    """Pillow reads RGB as RGB: a swapped channel order would spoil blue as if it were red."""
    import io

    from PIL import Image as Pillow

    file = io.BytesIO()
    Pillow.fromarray(ramp()).save(file, "JPEG", quality=50, subsampling="4:2:0")
    saved = np.asarray(Pillow.open(file)).astype(int)
    assert np.abs(jpeg(ramp(), quality=50).astype(int) - saved).mean() < 1


def test_a_file_of_a_picture_decodes_to_what_the_step_gives() -> None:
    file = jpeg_file(ramp(), quality=50)
    assert file[:2] == b"\xff\xd8"
    assert np.array_equal(decode_image(file), jpeg(ramp(), quality=50))


def test_a_side_too_long_for_jpeg_is_refused() -> None:
    with pytest.raises(AugmentError, match="jpeg holds no side above 65535 pixels"):
        jpeg(np.zeros((1, 65_536, 3), dtype=np.uint8), quality=50)


def test_a_wider_blur_leaves_less_contrast() -> None:
    checks = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)
    board = np.repeat(checks[..., None], 3, axis=-1)
    left = [blur(board, tenths=tenths).std() for tenths in (3, 6, 10)]
    assert board.std() > left[0] > left[1] > left[2]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 5), (31, 17)])
def test_odd_and_tiny_pictures_go_through(name: str, size: tuple[int, int]) -> None:
    out = replay(grey(*size), [Applied(name, STEPS[name], TRANSFORMS[name].version)])
    assert out.dtype == np.uint8
    assert out.shape == (*size, 3)


@pytest.mark.parametrize("name", STEPS)
def test_a_mirrored_look_at_memory_is_a_picture_like_any_other(name: str) -> None:
    step = [Applied(name, STEPS[name], TRANSFORMS[name].version)]
    looked_at = ramp()[::-1, ::-1]
    assert np.array_equal(replay(looked_at, step), replay(looked_at.copy(), step))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
    ],
)
def test_what_is_no_picture_is_refused(wrong: Image) -> None:
    with pytest.raises(AugmentError, match="a picture must be uint8"):
        replay(wrong, [])


def test_media_of_another_kind_is_named() -> None:
    with pytest.raises(AugmentError, match="not str"):
        replay("picture.png", [])  # type: ignore[type-var]
