import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from augment.clip import Clip
from augment.errors import AugmentError
from augment.history import Applied, replay
from augment.noise_clips import clip_noise, draw_clip_noise
from augment.noise_library import NoiseLibrary, current, provided
from augment.noises import add_noise, add_noise_padded, pink_noise
from augment.transforms import find


def tone(seconds: float = 0.5, rate: int = 16_000, loud: float = 0.3) -> Clip:
    time = np.arange(int(seconds * rate)) / rate
    return Clip((loud * np.sin(2 * np.pi * 440 * time)).astype(np.float32), rate)


def hiss(seconds: float = 0.5, rate: int = 16_000, seed: int = 0) -> Clip:
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))
    return Clip(samples.astype(np.float32), rate)


def library(*clips: Clip) -> NoiseLibrary:
    named = {f"{number:064x}": clip for number, clip in enumerate(clips)}
    return NoiseLibrary(dict.fromkeys(named, "CC0-1.0"), named.__getitem__)


FIRST = f"{0:064x}"


def measured_snr(clean: Clip, noisy: Clip) -> float:
    signal = clean.samples.astype(np.float64)
    noise = noisy.samples.astype(np.float64) - signal
    return float(10 * np.log10((signal**2).sum() / (noise**2).sum()))


def test_both_versions_of_white_noise_are_the_same_noise() -> None:
    old, new = find("add_noise", 1), find("add_noise", 2)
    for seed in range(5):
        params = {"snr_db": 15, "seed": seed}
        assert new.apply(tone(), **params).samples == pytest.approx(
            old.apply(tone(), **params).samples, abs=1e-7
        )


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("snr_db", [-5, 10, 30])
def test_pink_noise_has_the_ratio_that_was_asked_for(rate: int, snr_db: int) -> None:
    clip = tone(rate=rate)
    assert measured_snr(clip, pink_noise(clip, snr_db=snr_db, seed=3)) == pytest.approx(
        snr_db, abs=0.1
    )


def test_pink_noise_has_equal_power_in_every_octave() -> None:
    clean = tone(seconds=20)
    noise = pink_noise(clean, snr_db=0, seed=1).samples - clean.samples
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / 16_000)
    octaves = [power[(hertz >= low) & (hertz < 2 * low)].sum() for low in 2.0 ** np.arange(6, 12)]
    assert max(octaves) / min(octaves) < 1.3


@pytest.mark.parametrize("length", [1, 2, 5])
def test_hardly_any_sound_takes_pink_noise(length: int) -> None:
    clip = Clip(np.full(length, 0.5, dtype=np.float32), 8_000)
    assert measured_snr(clip, pink_noise(clip, snr_db=10, seed=1)) == pytest.approx(10, abs=0.1)


def test_a_padded_row_is_what_its_clip_alone_would_be() -> None:
    rows = [tone(seconds=0.1).samples, tone(seconds=0.3).samples, tone(seconds=0).samples]
    batch = np.zeros((3, 4_800), dtype=np.float32)
    for row, samples in zip(batch, rows, strict=True):
        row[: len(samples)] = samples
    lengths = [len(samples) for samples in rows]
    noisy = add_noise_padded(batch, lengths, snr_db=[10, 20, 5], seeds=[1, 2, 3])
    alone = add_noise(tone(seconds=0.1), snr_db=10, seed=1)
    assert noisy[0, :1_600].tobytes() == alone.samples.tobytes()
    assert measured_snr(Clip(rows[1], 1), Clip(noisy[1], 1)) == pytest.approx(20, abs=0.1)
    assert not noisy[0, 1_600:].any()
    assert not noisy[2].any()


@pytest.mark.parametrize(
    ("lengths", "complaint"), [([5], "no length of 5"), ([1, 1], "one length, one ratio")]
)
def test_a_batch_of_other_lengths_is_refused(lengths: list[int], complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        add_noise_padded(np.ones((1, 4), dtype=np.float32), lengths, snr_db=[10], seeds=[1])


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
@pytest.mark.parametrize("seconds", [0.01, 0.1, 3])  # the noise is cut, or goes round
def test_recorded_noise_has_the_ratio_that_was_asked_for(rate: int, seconds: float) -> None:
    clip = tone(rate=rate)
    with provided(library(hiss(seconds))):
        noisy = clip_noise(clip, snr_db=12, noise=FIRST, offset=7)
    assert measured_snr(clip, noisy) == pytest.approx(12, abs=0.1)


def test_recorded_noise_starts_at_the_offset_and_goes_round() -> None:
    ramp = Clip(np.arange(1, 801, dtype=np.float32) / 800, 8_000)
    clip = tone(seconds=0.2, rate=8_000)
    with provided(library(ramp)):
        noise = clip_noise(clip, snr_db=0, noise=FIRST, offset=50).samples - clip.samples
    expected = np.roll(np.concatenate([ramp.samples, ramp.samples]), -400)
    assert np.corrcoef(noise, expected)[0, 1] > 0.9999


def test_where_a_recording_is_silent_its_next_sound_is_taken() -> None:
    late = Clip(np.concatenate([np.zeros(16_000), hiss(0.5).samples]).astype(np.float32), 16_000)
    clip = tone(seconds=0.2)
    with provided(library(late)):
        noisy = clip_noise(clip, snr_db=10, noise=FIRST, offset=100)
    assert measured_snr(clip, noisy) == pytest.approx(10, abs=0.1)
    assert np.corrcoef(noisy.samples - clip.samples, late.samples[16_000:19_200])[0, 1] > 0.9999


@pytest.mark.parametrize("length", [0, 1, 100])
def test_against_silence_no_noise_is_mixed_in(length: int) -> None:
    clip = Clip(np.zeros(length, dtype=np.float32), 8_000)
    with provided(library(hiss())):
        assert clip_noise(clip, snr_db=10, noise=FIRST, offset=0) is clip
    assert pink_noise(clip, snr_db=10, seed=1) is clip


def test_a_missing_noise_clip_is_named() -> None:
    step = Applied("clip_noise", {"snr_db": 10, "noise": "ab" * 32, "offset": 0}, 1)
    with pytest.raises(
        AugmentError, match=r"noise clip abab.* is not among the 0 that are provided"
    ):
        replay(tone(), [step])


@pytest.mark.parametrize("word", ["rain.wav", "AB" * 32, "ab" * 31, 7])
def test_a_noise_clip_is_named_by_its_hash_alone(word: str | int) -> None:
    step = Applied("clip_noise", {"snr_db": 10, "noise": word, "offset": 0}, 1)
    with pytest.raises(AugmentError, match="'clip_noise' takes a noise like"):
        replay(tone(), [step])


@pytest.mark.parametrize("length", [0, 50])
def test_a_silent_recording_is_refused(length: int) -> None:
    silent = Clip(np.zeros(length, dtype=np.float32), 8_000)
    with (
        provided(library(silent)),
        pytest.raises(AugmentError, match="is silent or empty at 16000"),
    ):
        clip_noise(tone(), snr_db=10, noise=FIRST, offset=0)


def test_only_provided_clips_are_drawn_and_only_while_they_are() -> None:
    rng = np.random.default_rng(0)
    given = library(hiss(seed=1), hiss(seed=2))
    with provided(given):
        drawn = {draw_clip_noise(rng)["noise"] for _ in range(30)}
        assert current() is given
    assert drawn == set(given.licences)
    with pytest.raises(AugmentError, match="no noise clips to draw from"):
        draw_clip_noise(rng)


def test_a_folder_gives_its_recordings_by_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "street").mkdir()
    stereo = np.stack([hiss().samples, np.zeros(8_000, dtype=np.float32)], axis=1)
    soundfile.write(tmp_path / "street" / "rain.wav", stereo, 16_000)
    (tmp_path / "notes.txt").write_text("not a sound")
    found = NoiseLibrary.from_folder(tmp_path, "CC-BY-4.0")
    sha256 = hashlib.sha256((tmp_path / "street" / "rain.wav").read_bytes()).hexdigest()
    assert dict(found.licences) == {sha256: "CC-BY-4.0"}
    assert found.find(sha256).samples == pytest.approx(hiss().samples / 2, abs=1e-4)


def test_two_libraries_make_one_and_keep_their_licences(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "x.flac", hiss(seed=seed).samples, 16_000)
    ours = NoiseLibrary.from_folder(tmp_path / "a", "CC0-1.0")
    theirs = NoiseLibrary.from_folder(tmp_path / "b", "CC-BY-4.0")
    both = ours | theirs
    assert dict(both.licences) == {**ours.licences, **theirs.licences}
    for sha256 in both.licences:
        assert both.find(sha256).rate == 16_000


def test_a_recording_that_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rain.wav"
    soundfile.write(path, hiss(seed=1).samples, 16_000)
    found = NoiseLibrary.from_folder(tmp_path, "CC0-1.0")
    soundfile.write(path, hiss(seed=2).samples, 16_000)
    with pytest.raises(AugmentError, match="gone or no longer noise clip"):
        found.find(next(iter(found.licences)))


def test_a_folder_that_cannot_be_a_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AugmentError, match="holds no noise clips"):
        NoiseLibrary.from_folder(tmp_path, "CC0-1.0")
    with pytest.raises(AugmentError, match="have a licence: name it"):
        NoiseLibrary.from_folder(tmp_path, " ")
    with pytest.raises(AugmentError, match="there is no folder of noise clips"):
        NoiseLibrary.from_folder(tmp_path / "none", "CC0-1.0")
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    broken = NoiseLibrary.from_folder(tmp_path, "CC0-1.0")
    with pytest.raises(AugmentError, match="does not decode"):
        broken.find(next(iter(broken.licences)))
