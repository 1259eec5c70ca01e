from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from augment.audio import TRANSFORMS, Clip, from_channels
from augment.clip import rms
from augment.codec import RATES, low_pass, resample, telephone
from augment.errors import AugmentError
from augment.loudness import gain, given_db
from augment.masking import draw_frequency_mask, draw_time_mask, frequency_mask, time_mask
from augment.noise_library import NoiseLibrary, provided
from augment.rooms import reverb, room_response
from augment.stretching import pitch, speed, time_stretch
from augment.transform import Transform

RATES_TRIED = [8_000, 11_025, 16_000, 44_100, 48_000]
NOISE = NoiseLibrary(
    {"a" * 64: "CC0-1.0"}, lambda _: Clip(np.linspace(-1, 1, 900, dtype=np.float32), 22_050)
)
BY_NAME = {transform.name: transform for transform in TRANSFORMS}


def tone(hertz: float = 440, seconds: float = 0.5, rate: int = 16_000, loud: float = 0.3) -> Clip:
    time = np.arange(int(seconds * rate)) / rate
    return Clip((loud * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def hiss(seconds: float = 0.5, rate: int = 16_000, seed: int = 0) -> Clip:
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))
    return Clip(samples.astype(np.float32), rate)


def click(length: int, at: int, rate: int = 16_000) -> Clip:
    samples = np.zeros(length, dtype=np.float32)
    samples[at] = 0.5
    return Clip(samples, rate)


def of(length: int, value: float = 0.5, rate: int = 8_000) -> Clip:
    return Clip(np.full(length, value, dtype=np.float32), rate)


def drawn(transform: Transform, seed: int = 0) -> dict[str, Any]:
    with provided(NOISE):
        return transform.draw(np.random.default_rng(seed))


def applied(transform: Transform, clip: Clip, seed: int = 0) -> Clip:
    with provided(NOISE):
        out = transform.apply(clip, **drawn(transform, seed))
    assert isinstance(out, Clip)
    return out


def loudest_hertz(clip: Clip) -> float:
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(len(clip.samples))))
    return float(np.fft.rfftfreq(len(clip.samples), 1 / clip.rate)[spectrum.argmax()])


def decibels_in(clip: Clip, low: float, high: float, reference: Clip) -> float:
    """How much of a band is left."""
    power = [np.abs(np.fft.rfft(one.samples)) ** 2 for one in (clip, reference)]
    hertz = np.fft.rfftfreq(len(clip.samples), 1 / clip.rate)
    band = (hertz >= low) & (hertz < high)
    return float(10 * np.log10((power[0][band].sum() + 1e-12) / power[1][band].sum()))


def measured_rt60_ms(response: np.ndarray, rate: int) -> float:
    """Schroeder's backward integral, fitted from -5 to -35 dB."""
    left = np.cumsum(np.square(response, dtype=np.float64)[::-1])[::-1]
    level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    fitted = np.flatnonzero((level <= -5) & (level >= -35))
    return float(-60_000 / np.polyfit(fitted / rate, level[fitted], 1)[0])


# What holds for every transform.


@pytest.mark.parametrize("rate", RATES_TRIED)
@pytest.mark.parametrize("name", BY_NAME)
def test_every_transform_takes_every_usual_rate(name: str, rate: int) -> None:
    out = applied(BY_NAME[name], hiss(seconds=0.3, rate=rate))
    assert len(out.samples)
    assert np.isfinite(out.samples).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", BY_NAME)
def test_the_same_numbers_give_the_same_bytes(name: str, seed: int) -> None:
    out = applied(BY_NAME[name], hiss(), seed)
    assert out.samples.tobytes() == applied(BY_NAME[name], hiss(), seed).samples.tobytes()


@pytest.mark.parametrize("name", BY_NAME)
def test_nothing_at_all_stays_nothing_at_all(name: str) -> None:
    assert not len(applied(BY_NAME[name], of(0)).samples)


@pytest.mark.parametrize("length", [1, 400, 8_000])
@pytest.mark.parametrize("name", BY_NAME)
def test_silence_stays_silent(name: str, length: int) -> None:
    out = applied(BY_NAME[name], of(length, value=0.0))
    assert len(out.samples)
    assert not out.samples.any()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("name", BY_NAME)
def test_hardly_any_sound_is_still_some(name: str, length: int) -> None:
    for seed in range(5):
        out = applied(BY_NAME[name], of(length), seed)
        assert len(out.samples)
        assert np.isfinite(out.samples).all()


@pytest.mark.parametrize("loud", [1e-30, 1e-6, 1e6])
@pytest.mark.parametrize("name", BY_NAME)
def test_any_loudness_is_borne(name: str, loud: float) -> None:
    out = applied(BY_NAME[name], tone(loud=loud))
    assert out.samples.any()


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"speed", "time_stretch", "resample"}))
def test_a_transform_that_moves_no_time_keeps_the_length(name: str) -> None:
    assert BY_NAME[name].retime is None
    for length in (1, 37, 4_001):
        out = applied(BY_NAME[name], of(length))
        assert (len(out.samples), out.rate) == (length, 8_000)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_drawn_is_within_bounds(name: str) -> None:
    transform = BY_NAME[name]
    for seed in range(50):
        params = drawn(transform, seed)
        assert set(params) == {*transform.bounds, *transform.words}
        for key, (low, high) in transform.bounds.items():
            assert low <= params[key] <= high


# Stretching.


@pytest.mark.parametrize("percent", [50, 90, 93, 110, 200])
@pytest.mark.parametrize("length", [1, 2, 7, 999, 8_000])
@pytest.mark.parametrize("change", [speed, time_stretch])
def test_both_speeds_come_to_the_length_that_times_move_to(
    change: Any, length: int, percent: int
) -> None:
    out = change(of(length), percent=percent)
    retime = BY_NAME["time_stretch"].retime
    assert retime is not None
    moved = retime(length, percent=percent).seconds
    assert 0 <= len(out.samples) - moved < 1


@pytest.mark.parametrize("percent", [50, 90, 93, 107, 110, 200])
def test_both_versions_of_speed_sound_alike(percent: int) -> None:
    old, new = (t for t in TRANSFORMS if t.name == "speed")
    assert (old.version, new.version) == (1, 2)
    clip = hiss()
    assert new.apply(clip, percent=percent).samples == pytest.approx(
        old.apply(clip, percent=percent).samples, abs=1e-5
    )


@pytest.mark.parametrize("name", ["speed", "pitch", "reverb", "telephone"])
def test_the_number_of_threads_changes_no_byte(name: str) -> None:
    outs = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            outs.append(applied(BY_NAME[name], hiss(seconds=5)).samples.tobytes())
    assert outs[0] == outs[1]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("percent", [80, 90, 110, 125])
def test_time_stretch_keeps_the_pitch_and_moves_the_times(rate: int, percent: int) -> None:
    assert loudest_hertz(
        time_stretch(tone(seconds=1, rate=rate), percent=percent)
    ) == pytest.approx(440, abs=4)
    late = click(rate, rate // 2, rate)
    energy = time_stretch(late, percent=percent).samples ** 2
    centre = (np.arange(len(energy)) * energy).sum() / energy.sum()
    assert centre / rate == pytest.approx(0.5 * 100 / percent, abs=0.005)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("cents", [-1200, -200, -37, 100, 200, 700])
def test_pitch_changes_the_pitch_and_moves_no_time(rate: int, cents: int) -> None:
    raised = pitch(tone(seconds=1, rate=rate), cents=cents)
    assert loudest_hertz(raised) == pytest.approx(440 * 2 ** (cents / 1200), rel=0.008)
    energy = pitch(click(rate, rate // 2, rate), cents=cents).samples ** 2
    centre = (np.arange(len(energy)) * energy).sum() / energy.sum()
    assert centre / rate == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(
    ("change", "params"), [(pitch, {"cents": 150}), (time_stretch, {"percent": 93})]
)
def test_stretching_keeps_how_loud_it_is_from_start_to_end(change: Any, params: Any) -> None:
    out = change(tone(seconds=1), **params).samples
    for part in np.array_split(out, 8):
        assert 20 * np.log10(rms(part) / rms(tone().samples)) == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize(
    ("change", "params"), [(pitch, {"cents": 150}), (time_stretch, {"percent": 93})]
)
def test_what_has_hardly_a_rate_cannot_be_stretched(change: Any, params: Any) -> None:
    with pytest.raises(AugmentError, match="from 1000 samples a second on, not at 500"):
        change(of(100, rate=500), **params)


# Rooms.


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("rt60_ms", [100, 200, 400, 600, 1_000])
def test_a_room_dies_away_in_the_time_that_was_asked_for(rt60_ms: int, rate: int) -> None:
    for seed in range(10):
        response = room_response(rt60_ms, seed, rate)
        assert measured_rt60_ms(response, rate) == pytest.approx(rt60_ms, rel=0.1)


@pytest.mark.parametrize("rt60_ms", [20, 200, 600])
def test_the_direct_sound_arrives_first_and_strongest(rt60_ms: int) -> None:
    response = np.abs(room_response(rt60_ms, 3, 16_000))
    assert response[0] == 1
    assert response[1:].max() < 0.5
    out = reverb(click(16_000, 5_000), rt60_ms=rt60_ms, seed=3).samples
    assert np.abs(out).argmax() == 5_000
    assert np.abs(out[:5_000]).max() < 1e-5


def test_reverb_is_the_convolution_with_the_room_as_loud_as_before() -> None:
    clip = hiss()
    out = reverb(clip, rt60_ms=300, seed=5)
    expected = np.convolve(clip.samples, room_response(300, 5, 16_000))[: len(clip.samples)]
    expected *= rms(clip.samples) / rms(expected)
    assert out.samples == pytest.approx(expected, abs=1e-4)
    assert rms(out.samples) == pytest.approx(rms(clip.samples), rel=1e-5)


def test_another_seed_is_another_room() -> None:
    assert (room_response(300, 1, 8_000) != room_response(300, 2, 8_000)).mean() > 0.3


# Gain.


@pytest.mark.parametrize("tenths_db", [-60, -1, 30, 60])
def test_gain_is_what_was_asked_for_where_there_is_room(tenths_db: int) -> None:
    louder = gain(tone(), tenths_db=tenths_db)
    change = 20 * np.log10(rms(louder.samples) / rms(tone().samples))
    assert change == pytest.approx(tenths_db / 10, abs=1e-3)
    assert given_db(tone(), tenths_db=tenths_db) == tenths_db / 10


@pytest.mark.parametrize("loud", [0.9, 1.0, 7.3])
def test_gain_never_passes_full_scale_and_says_what_it_gave(loud: float) -> None:
    clip = tone(loud=loud)
    louder = gain(clip, tenths_db=60)
    assert np.abs(louder.samples).max() <= 1
    assert np.abs(louder.samples).max() == pytest.approx(1, abs=1e-6)
    change = 20 * np.log10(rms(louder.samples) / rms(clip.samples))
    assert given_db(clip, tenths_db=60) == pytest.approx(change, abs=1e-4)


# Masks.


def test_a_time_mask_silences_its_span_and_nothing_else() -> None:
    clip = hiss(seconds=1)
    masked = time_mask(clip, start=250, length=100).samples
    assert np.array_equal(masked[:4_000], clip.samples[:4_000])
    assert np.array_equal(masked[5_600:], clip.samples[5_600:])
    assert not masked[4_080:5_520].any()
    assert np.abs(np.diff(time_mask(of(8_000), start=250, length=100).samples)).max() < 0.05


@pytest.mark.parametrize(("start", "length"), [(0, 500), (600, 400), (900, 500), (1000, 10)])
@pytest.mark.parametrize("samples", [1, 2, 3, 9])
def test_a_time_mask_never_silences_a_whole_clip(samples: int, start: int, length: int) -> None:
    assert time_mask(of(samples), start=start, length=length).samples.any()


def test_a_drawn_time_mask_lies_inside() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        params = draw_time_mask(rng, length=(1, 400))
        assert params["start"] + params["length"] <= 1000


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_frequency_mask_stops_its_band_and_nothing_else(rate: int) -> None:
    clip = hiss(seconds=2, rate=rate)
    masked = frequency_mask(clip, low_hz=1_000, high_hz=1_400)
    assert decibels_in(masked, 1_060, 1_320, clip) < -30
    assert decibels_in(masked, 100, 940, clip) == pytest.approx(0, abs=0.1)
    assert decibels_in(masked, 1_480, rate / 2, clip) == pytest.approx(0, abs=0.1)


def test_a_band_above_the_clips_own_changes_nothing() -> None:
    clip = hiss(rate=8_000)
    assert frequency_mask(clip, low_hz=4_000, high_hz=5_000) is clip
    assert low_pass(clip, hz=4_000) is clip


@pytest.mark.parametrize("high_hz", [500, 499])
def test_a_band_that_is_none_is_refused(high_hz: int) -> None:
    with pytest.raises(AugmentError, match="from a lower to a higher frequency, not 500 to"):
        frequency_mask(hiss(), low_hz=500, high_hz=high_hz)


@pytest.mark.parametrize("limits", [{}, {"low_hz": (3_000, 8_000)}, {"high_hz": (250, 900)}])
def test_a_drawn_band_is_a_narrow_one(limits: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        band = draw_frequency_mask(rng, **limits)
        assert band["low_hz"] < band["high_hz"] <= max(1.42 * band["low_hz"], 250)


# Wires and recorders.


@pytest.mark.parametrize("hz", [500, 3_400, 6_000])
def test_a_low_pass_stops_what_lies_above(hz: int) -> None:
    clip = hiss(seconds=2)
    out = low_pass(clip, hz=hz)
    assert decibels_in(out, 1, 0.94 * hz, clip) == pytest.approx(0, abs=0.1)
    assert decibels_in(out, 1.06 * hz, 8_000, clip) < -40


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_telephone_passes_300_to_3400_hertz_as_loud_as_they_were(rate: int) -> None:
    clip = hiss(seconds=2, rate=rate)
    out = telephone(clip)
    assert decibels_in(out, 400, 3_100, clip) == pytest.approx(0, abs=0.5)
    assert decibels_in(out, 20, 250, clip) < -20
    if rate > 8_000:
        assert decibels_in(out, 4_500, rate / 2, clip) < -30


@pytest.mark.parametrize("loud", [1e-6, 0.3, 20.0])
def test_a_telephone_rounds_to_eight_bits_at_any_loudness(loud: float) -> None:
    sent = telephone(tone(hertz=1_000, seconds=1, rate=8_000, loud=loud)).samples
    assert 20 < len(np.unique(np.abs(sent))) <= 128
    clean = tone(hertz=1_000, seconds=1, rate=8_000, loud=loud).samples
    assert 25 < 20 * np.log10(rms(clean) / rms(sent - clean)) < 50


def test_a_telephone_moves_nothing_in_time() -> None:
    out = telephone(click(44_100, 20_000, 44_100)).samples
    assert abs(int(np.abs(out).argmax()) - 20_000) <= 3


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("own", [8_000, 11_025, 44_056, 44_100])
def test_resampling_keeps_seconds_pitch_and_loudness(own: int, rate: int) -> None:
    clip = tone(seconds=1, rate=own)
    out = resample(clip, rate=rate)
    assert out.rate == rate
    assert 0 <= len(out.samples) - len(clip.samples) * rate / own < 1
    assert loudest_hertz(out) == pytest.approx(440, abs=1.5)
    assert rms(out.samples) == pytest.approx(rms(clip.samples), rel=0.01)


def test_only_rates_that_recorders_use_are_drawn() -> None:
    draw = BY_NAME["resample"].draw
    rng = np.random.default_rng(0)
    assert {draw(rng)["rate"] for _ in range(200)} == set(RATES)
    assert {draw(rng, rate=(9_000, 12_000))["rate"] for _ in range(50)} == {11_025, 12_000}
    with pytest.raises(AugmentError, match="no recorder's rate lies from 9000 to 10000"):
        draw(rng, rate=(9_000, 10_000))


# Channels.


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_channels_become_their_average(channels: int) -> None:
    many = np.stack([hiss(seed=n).samples for n in range(channels)], axis=1)
    clip = from_channels(many, 16_000)
    assert clip.samples == pytest.approx(many.mean(axis=1), abs=1e-6)
    assert clip.rate == 16_000


def test_channels_that_cancel_one_another_are_refused() -> None:
    with pytest.raises(AugmentError, match="the 2 channels cancel one another; choose one"):
        from_channels(np.stack([hiss().samples, -hiss().samples], axis=1), 16_000)


@pytest.mark.parametrize("shape", [(8,), (2, 100), (8, 0), (2, 2, 2)])
def test_what_is_no_set_of_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AugmentError, match=r"channels must be of shape \[T, C\]"):
        from_channels(np.zeros(shape, dtype=np.float32), 16_000)


def test_channels_without_sound_are_a_clip_without_sound() -> None:
    assert not len(from_channels(np.zeros((0, 8), dtype=np.float32), 16_000).samples)
    assert not from_channels(np.zeros((9, 8), dtype=np.float32), 16_000).samples.any()
    with pytest.raises(AugmentError, match="finite numbers only"):
        from_channels(np.full((9, 2), np.nan, dtype=np.float32), 16_000)
