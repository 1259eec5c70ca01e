import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest

from augment.audio import Clip
from augment.errors import AugmentError
from augment.history import Applied, from_json, move, replay, replay_to_jpeg, to_json
from augment.image import Image, jpeg
from augment.noise_library import NoiseLibrary, provided
from augment.question import Question
from augment.transforms import TRANSFORMS, Media, find
from augment.video import Frames
from pipelines.record.media import decode_image

ONE_OF_EACH = {
    "gaussian_noise": {"sigma": 20, "seed": 7},
    "blur": {"tenths": 8},
    "jpeg": {"quality": 60},
    "diffusion_noise": {"step": 250, "seed": 7},
    "brightness_contrast": {"brightness": 90, "contrast": 115},
    "hue_saturation": {"hue": 15, "saturation": 120},
    "invert": {},
    "rotate": {"decidegrees": -77},
    "affine": {"decidegrees": 40, "percent": 110, "shear": -30, "x": 10, "y": -20},
    "perspective": dict.fromkeys(("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4"), 0)
    | {"x1": 60, "y3": 40},
    "quarter_turn": {"quarters": 1},
    "flip_horizontal": {},
    "flip_vertical": {},
    "crop": {"left": 50, "top": 0, "right": 100, "bottom": 20},
    "pad": {"left": 0, "top": 30, "right": 100, "bottom": 0},
    "resize": {"percent": 80},
    "stretch": {"width": 90, "height": 120},
    "occlude": {"x": 300, "y": 400, "width": 200, "height": 100},
    "grayscale": {},
    "frame_drop": {"every": 2},
    "temporal_crop": {"start": 200, "end": 0},
    "add_noise": {"snr_db": 12, "seed": 7},
    "pink_noise": {"snr_db": 12, "seed": 7},
    "clip_noise": {"snr_db": 12, "noise": "ab" * 32, "offset": 30},
    "speed": {"percent": 93},
    "time_stretch": {"percent": 93},
    "pitch": {"cents": 150},
    "reverb": {"rt60_ms": 300, "seed": 7},
    "gain": {"tenths_db": -40},
    "time_mask": {"start": 300, "length": 100},
    "frequency_mask": {"low_hz": 400, "high_hz": 500},
    "low_pass": {"hz": 400},
    "telephone": {},
    "resample": {"rate": 8000},
    "typing_noise": {"changes": 2, "seed": 7},
    "shuffle_options": {"order": 3},
    "number_format": {"style": 1},
}
RATTLE = Clip((np.arange(8000) % 80 / 80 - 0.5).astype(np.float32), 8000)
LIBRARY = NoiseLibrary({"ab" * 32: "CC0-1.0"}, lambda _sha256: RATTLE)


@pytest.fixture(autouse=True)
def _noise_clips() -> Iterator[None]:
    with provided(LIBRARY):
        yield


ASKED = Question(
    ("Which painted marble weighs 12000 grams?\nA) red\nB) blue\nC) grey",),
    "choice",
    "B",
    ("red", "blue", "grey"),
)


def picture(height: int = 37, width: int = 53, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def tone(seconds: float = 0.25, rate: int = 16_000) -> Clip:
    time = np.arange(int(seconds * rate)) / rate
    return Clip((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), rate)


def film(frames: int = 5) -> Frames:
    return Frames(np.stack([picture(9, 11, seed) for seed in range(frames)]), Fraction(10))


def asked() -> Question:
    return ASKED


def media_for(name: str) -> Media:
    kinds: dict[str, Callable[[], Media]] = {"audio": tone, "video": film, "text": asked}
    return kinds.get(TRANSFORMS[name].medium, picture)()


def array_of(media: Image | Clip | Frames) -> np.ndarray:
    if isinstance(media, Frames):
        return media.pixels
    return media.samples if isinstance(media, Clip) else media


def raw(media: Media) -> bytes:
    if isinstance(media, Question):
        return repr(media).encode()
    if isinstance(media, Frames):
        return f"{media.fps} {media.pixels.shape}".encode() + media.pixels.tobytes()
    if isinstance(media, Clip):
        return media.samples.tobytes()
    return str(media.shape).encode() + media.tobytes()


def one(name: str) -> Applied:
    return Applied(name, ONE_OF_EACH[name], TRANSFORMS[name].version)


def everything(medium: str) -> list[Applied]:
    return [one(name) for name in ONE_OF_EACH if TRANSFORMS[name].medium == medium]


def test_every_transform_is_tried_here() -> None:
    assert set(ONE_OF_EACH) == set(TRANSFORMS)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_transform_changes_the_media_and_leaves_its_input_alone(name: str) -> None:
    clean = media_for(name)
    before = raw(clean)
    if not isinstance(clean, Question):
        array_of(clean).setflags(write=False)
    assert raw(replay(clean, [one(name)])) != before
    assert raw(clean) == before


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_same_numbers_give_the_same_bytes(name: str) -> None:
    rebuilt = replay(media_for(name), from_json(to_json([one(name)])))
    assert raw(rebuilt) == raw(replay(media_for(name), [one(name)]))


@pytest.mark.parametrize("name", ["gaussian_noise", "diffusion_noise", "add_noise"])
def test_another_seed_gives_other_noise(name: str) -> None:
    other = Applied(name, {**ONE_OF_EACH[name], "seed": 8}, 1)
    assert raw(replay(media_for(name), [other])) != raw(replay(media_for(name), [one(name)]))


REBUILD = """
import hashlib, sys
sys.path[:0] = sys.argv[3:]
import test_history as here
from augment.history import from_json, replay
from augment.noise_library import provide
provide(here.LIBRARY)
media = here.picture() if sys.argv[1] == "image" else here.tone()
print(hashlib.sha256(here.raw(replay(media, from_json(sys.argv[2])))).hexdigest())
"""


@pytest.mark.parametrize("medium", ["image", "audio"])
def test_a_fresh_process_rebuilds_the_same_bytes(medium: str, pytestconfig: pytest.Config) -> None:
    import hashlib

    history = everything(medium)
    here = replay(picture() if medium == "image" else tone(), history)
    paths = [str(pytestconfig.rootpath), str(pytestconfig.rootpath / "tests" / "augment")]
    command = [sys.executable, "-c", REBUILD, medium, to_json(history), *paths]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert there.strip() == hashlib.sha256(raw(here)).hexdigest()


def test_importing_every_name_loads_nothing_heavy() -> None:
    program = (
        "import sys, augment.recipes, augment.history; "
        "print({'torch', 'torchaudio', 'cv2', 'albumentations'} & set(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"


def test_an_empty_history_gives_the_clean_media_back() -> None:
    assert raw(replay(picture(), [])) == raw(picture())


def test_a_picture_that_ends_as_jpeg_is_its_own_file() -> None:
    history = [one("gaussian_noise"), one("jpeg")]
    file = replay_to_jpeg(picture(), history)
    assert np.array_equal(decode_image(file), replay(picture(), history))
    other = replay_to_jpeg(picture(), history[:1], quality=90)
    assert np.array_equal(decode_image(other), jpeg(replay(picture(), history[:1]), quality=90))


def test_the_order_of_steps_matters() -> None:
    history = [one("gaussian_noise"), one("jpeg")]
    assert raw(replay(picture(), history)) != raw(replay(picture(), history[::-1]))


def test_one_history_has_one_json() -> None:
    forth = Applied("gaussian_noise", {"sigma": 20, "seed": 7}, 1)
    back = Applied("gaussian_noise", {"seed": 7, "sigma": 20}, 1)
    text = '[{"name":"gaussian_noise","params":{"seed":7,"sigma":20},"version":1}]'
    assert to_json([forth]) == to_json([back]) == text
    assert from_json(json.dumps(json.loads(text), indent=4)) == [back]
    assert hash(forth) == hash(back)


def test_words_in_a_history_are_composed() -> None:
    decomposed, composed = "cafe\u0301", "caf\u00e9"
    assert Applied("any", {"word": decomposed}, 1).params["word"] == composed


@pytest.mark.parametrize("value", [0.5, True, None, [1], np.int64(3)])
def test_a_parameter_is_an_integer_or_a_word(value: object) -> None:
    with pytest.raises(AugmentError, match="'jpeg' has quality = "):
        Applied("jpeg", {"quality": value}, 1)  # type: ignore[dict-item]


def test_what_was_applied_cannot_be_changed_afterwards() -> None:
    params: dict[str, int | str] = {"quality": 60}
    applied = Applied("jpeg", params, 1)
    params["quality"] = 10
    assert applied.params["quality"] == 60
    with pytest.raises(TypeError):
        applied.params["quality"] = 10  # type: ignore[index]


def test_a_history_travels_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(everything("image"))) == everything("image")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[{]", "a history is not JSON"),
        ("{}", "a history is a list of steps"),
        ('["jpeg"]', "a step of a history has name, params and version"),
        ('[{"name":"jpeg","params":{}}]', "a step of a history has name, params and version"),
        ('[{"name":"jpeg","params":[],"version":1}]', "the params of 'jpeg' are an object"),
        ('[{"name":"jpeg","params":{"quality":5.0},"version":1}]', "an integer or a word"),
        ('[{"name":"jpeg","params":{"quality":NaN},"version":1}]', "an integer or a word"),
        ('[{"name":3,"params":{},"version":1}]', "does not name a transform"),
    ],
)
def test_a_broken_history_is_refused_in_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint) as refused:
        from_json(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("applied", "complaint"),
    [
        (Applied("sharpen", {}, 1), "unknown transform 'sharpen'; known are add_noise, "),
        (Applied("speed", {"percent": 90}, 1), "'speed' is for audio, not for image"),
        (Applied("jpeg", {"quality": 60}, 9), "transform 'jpeg' is here in version 1, not 9"),
        (Applied("jpeg", {}, 1), "'jpeg' takes quality, not nothing"),
        (Applied("jpeg", {"q": 60}, 1), "'jpeg' takes quality, not q"),
        (Applied("jpeg", {"quality": 101}, 1), "'jpeg' takes quality from 1 to 100, not 101"),
        (Applied("jpeg", {"quality": "high"}, 1), "'jpeg' takes quality from 1 to 100"),
        (Applied("gaussian_noise", {"sigma": 61, "seed": 1}, 1), "sigma from 0 to 60, not 61"),
    ],
)
def test_a_step_that_cannot_be_replayed_is_named(applied: Applied, complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        replay(picture(), [applied])


def test_a_picture_transform_is_refused_for_sound() -> None:
    with pytest.raises(AugmentError, match="'jpeg' is for image, not for audio"):
        replay(tone(), [one("jpeg")])


def test_moving_an_answer_along_sound_is_refused() -> None:
    with pytest.raises(AugmentError, match="'speed' is for audio, not for image"):
        move(10, 10, [one("speed")])


def test_each_transform_is_found_by_its_own_version() -> None:
    for name, transform in TRANSFORMS.items():
        assert find(name, transform.version) is find(name) is transform
