from fractions import Fraction

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied, move, replay, retime, steps_for
from augment.transforms import TRANSFORMS
from augment.video import Frames

PICTURE_STEPS = {
    "blur": {"tenths": 10},
    "brightness_contrast": {"brightness": 90, "contrast": 120},
    "rotate": {"decidegrees": 55},
    "quarter_turn": {"quarters": 1},
    "crop": {"left": 100, "top": 0, "right": 0, "bottom": 200},
}


def clip(count: int = 10, fps: int | Fraction = 10, still: bool = False) -> Frames:
    rng = np.random.default_rng(0)
    if still:
        return Frames(np.full((count, 8, 9, 3), 128, dtype=np.uint8), Fraction(fps))
    return Frames(rng.integers(0, 256, (count, 16, 21, 3)).astype(np.uint8), Fraction(fps))


def step(name: str, **params: int) -> Applied:
    return Applied(name, params, TRANSFORMS[name].version)


@pytest.mark.parametrize("name", PICTURE_STEPS)
def test_a_picture_transform_does_the_same_to_every_frame(name: str) -> None:
    history = [step(name, **PICTURE_STEPS[name])]
    out = replay(clip(), history)
    assert out.fps == clip().fps
    for before, after in zip(clip().pixels, out.pixels, strict=True):
        assert np.array_equal(after, replay(before, history))


@pytest.mark.parametrize("name", [n for n, t in TRANSFORMS.items() if t.medium == "image"])
def test_every_picture_transform_takes_a_video(name: str) -> None:
    transform = TRANSFORMS[name]
    drawn = transform.draw(np.random.default_rng(0))
    out = replay(clip(3), [Applied(name, drawn, transform.version)])
    assert len(out.pixels) == 3
    there = move(21, 16, [Applied(name, drawn, transform.version)])
    assert out.pixels.shape[1:] == (there.height, there.width, 3)


@pytest.mark.parametrize(
    "noise", [step("gaussian_noise", sigma=20, seed=7), step("diffusion_noise", step=200, seed=7)]
)
def test_noise_flickers_and_is_rebuilt_from_one_seed(noise: Applied) -> None:
    out = replay(clip(4, still=True), [noise])
    assert np.array_equal(out.pixels, replay(clip(4, still=True), [noise]).pixels)
    assert len({frame.tobytes() for frame in out.pixels}) == 4
    assert np.array_equal(out.pixels[0], replay(clip(1, still=True).pixels[0], [noise]))


def test_the_last_seed_wraps_round() -> None:
    noise = step("gaussian_noise", sigma=20, seed=2**31 - 1)
    out = replay(clip(2, still=True), [noise])
    first = replay(clip(1, still=True).pixels[0], [step("gaussian_noise", sigma=20, seed=0)])
    assert np.array_equal(out.pixels[1], first)


@pytest.mark.parametrize("every", [2, 3, 7, 60])
def test_frames_that_are_left_keep_their_times(every: int) -> None:
    before, history = clip(10, Fraction(30000, 1001)), [step("frame_drop", every=every)]
    after = replay(before, history)
    for number, frame in enumerate(after.pixels):
        shown_at = number / after.fps
        assert np.array_equal(frame, before.pixels[int(shown_at * before.fps)])
        assert shown_at * before.fps == int(shown_at * before.fps)
    assert retime(before.seconds, history, "video").move_times([1]) == [1]


def test_a_cut_keeps_whole_frames_and_moves_times() -> None:
    history = [step("temporal_crop", start=200, end=100)]
    after = replay(clip(10), history)
    assert np.array_equal(after.pixels, clip(10).pixels[2:9])
    there = retime(clip(10).seconds, history, "video")
    assert there.seconds == after.seconds == Fraction(7, 10)
    assert there.move_times([Fraction(1, 2)]) == [Fraction(3, 10)]
    assert not there.is_inside(Fraction(1, 10))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 33])
def test_a_cut_of_any_length_is_true_to_half_a_frame(count: int) -> None:
    for start, end in ((0, 500), (333, 333), (77, 0), (499, 499)):
        history = [step("temporal_crop", start=start, end=end)]
        try:
            after = replay(clip(count), history)
        except AugmentError:
            assert (1000 - start - end) * count < 1000
            continue
        there = retime(clip(count).seconds, history, "video")
        first = next(
            n for n, f in enumerate(clip(count).pixels) if np.array_equal(f, after.pixels[0])
        )
        assert abs(there.move_times([first / clip().fps])[0]) <= Fraction(1, 20)


def test_a_cut_that_leaves_nothing_is_refused() -> None:
    history = [step("temporal_crop", start=600, end=400)]
    with pytest.raises(AugmentError, match="leaves nothing of a video of 10 frames"):
        replay(clip(10), history)
    with pytest.raises(AugmentError, match="leaves nothing of a video"):
        retime(1, history, "video")


def test_points_move_with_the_picture_steps_of_a_video() -> None:
    history = [step("frame_drop", every=2), step("flip_horizontal")]
    assert move(20, 10, history).move_points([(3, 4)]) == [(17, 4)]


def test_a_video_takes_its_own_steps_and_those_of_pictures() -> None:
    history = [step("frame_drop", every=2), step("flip_horizontal"), step("speed", percent=90)]
    assert [a.name for a in steps_for("video", history)] == ["frame_drop", "flip_horizontal"]
    assert [a.name for a in steps_for("image", history)] == ["flip_horizontal"]


def test_a_step_for_videos_is_refused_for_a_picture() -> None:
    with pytest.raises(AugmentError, match="'frame_drop' is for video, not for image"):
        replay(clip().pixels[0], [step("frame_drop", every=2)])
    with pytest.raises(AugmentError, match="'speed' is for audio, not for video"):
        replay(clip(), [step("speed", percent=90)])


@pytest.mark.parametrize(
    ("pixels", "fps", "complaint"),
    [
        (np.zeros((0, 4, 4, 3), dtype=np.uint8), 10, "with at least one frame"),
        (np.zeros((4, 4, 3), dtype=np.uint8), 10, "with at least one frame"),
        (np.zeros((2, 4, 4, 4), dtype=np.uint8), 10, "a picture must be uint8"),
        (np.zeros((2, 4, 4, 3), dtype=np.float32), 10, "a picture must be uint8"),
        (np.zeros((2, 4, 4, 3), dtype=np.uint8), 0, "above 0 frames a second"),
    ],
)
def test_what_is_no_video_is_refused(pixels: np.ndarray, fps: int, complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        Frames(pixels, Fraction(fps))
