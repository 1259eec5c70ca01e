import numpy as np
import pytest

from augment.audio import Clip
from augment.errors import AugmentError
from augment.noises import add_noise
from augment.stretching import speed


def tone(hertz: int = 440, seconds: float = 0.5, rate: int = 16_000, loud: float = 0.3) -> Clip:
    time = np.arange(int(seconds * rate)) / rate
    return Clip((loud * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def silence(length: int, rate: int = 8_000) -> Clip:
    return Clip(np.zeros(length, dtype=np.float32), rate)


def measured_snr(clean: Clip, noisy: Clip) -> float:
    signal = clean.samples.astype(np.float64)
    noise = noisy.samples.astype(np.float64) - signal
    return float(10 * np.log10((signal**2).sum() / (noise**2).sum()))


def loudest_hertz(clip: Clip) -> float:
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(len(clip.samples))))
    return float(np.fft.rfftfreq(len(clip.samples), 1 / clip.rate)[spectrum.argmax()])


@pytest.mark.parametrize("snr_db", [-5, 5, 10, 20, 30, 40])
def test_noise_has_the_ratio_that_was_asked_for(snr_db: int) -> None:
    noisy = add_noise(tone(), snr_db=snr_db, seed=3)
    assert measured_snr(tone(), noisy) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("loud", [1e-30, 1e-6, 1.0, 1e6])
def test_the_ratio_holds_however_loud_the_clip_is(loud: float) -> None:
    clip = tone(loud=loud)
    assert measured_snr(clip, add_noise(clip, snr_db=15, seed=3)) == pytest.approx(15, abs=0.1)


def test_the_ratio_is_taken_over_the_whole_clip() -> None:
    half_silent = Clip(np.concatenate([tone().samples, silence(8_000).samples]), 16_000)
    noisy = add_noise(half_silent, snr_db=10, seed=1)
    assert measured_snr(half_silent, noisy) == pytest.approx(10, abs=0.1)


def test_noise_is_white() -> None:
    clean = tone(seconds=2)
    noise = add_noise(clean, snr_db=0, seed=1).samples - clean.samples
    power = np.abs(np.fft.rfft(noise)) ** 2
    quarters = [part.mean() for part in np.array_split(power, 4)]
    assert max(quarters) / min(quarters) < 1.2


@pytest.mark.parametrize("length", [0, 1, 100])
def test_silence_and_nothing_at_all_stay_as_they_are(length: int) -> None:
    clip = silence(length)
    assert add_noise(clip, snr_db=10, seed=1) is clip


@pytest.mark.parametrize("seed", [1, 2, 56])  # the pool's number for 56 is 0
def test_a_clip_of_one_sample_takes_noise(seed: int) -> None:
    clip = Clip(np.array([0.5], dtype=np.float32), 8_000)
    assert measured_snr(clip, add_noise(clip, snr_db=10, seed=seed)) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100])
@pytest.mark.parametrize("percent", [50, 90, 93, 107, 110, 200])
def test_speed_changes_the_length_by_a_hundred_over_percent(rate: int, percent: int) -> None:
    clip = tone(seconds=0.3, rate=rate)
    out = speed(clip, percent=percent)
    assert 0 <= len(out.samples) - len(clip.samples) * 100 / percent < 1
    assert out.rate == rate


@pytest.mark.parametrize("percent", [90, 107])
def test_speed_raises_pitch_by_as_much(percent: int) -> None:
    played = speed(tone(hertz=400, seconds=1), percent=percent)
    assert loudest_hertz(played) == pytest.approx(400 * percent / 100, abs=2)


def test_speed_keeps_how_loud_it_is() -> None:
    played = speed(tone(seconds=1), percent=90).samples
    assert played.std() == pytest.approx(tone(seconds=1).samples.std(), rel=0.01)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_hardly_any_sound_can_be_played_faster(length: int) -> None:
    assert len(speed(silence(length), percent=110).samples) == -(-length * 100 // 110)


@pytest.mark.parametrize(
    ("samples", "rate", "complaint"),
    [
        (np.zeros((2, 4), dtype=np.float32), 8_000, "float32 of shape"),
        (np.zeros(4, dtype=np.float64), 8_000, "not float64"),
        (np.array([0, np.nan], dtype=np.float32), 8_000, "finite"),
        (np.zeros(4, dtype=np.float32), 0, "rate must be above 0"),
    ],
)
def test_what_is_no_clip_is_refused(samples: np.ndarray, rate: int, complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        Clip(samples, rate)
