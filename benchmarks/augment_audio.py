"""Augment audio: noise, speed, pitch and reverb on clips of 1-5 s at 16 kHz, on one core.

Peers are audiomentations and a chain of torchaudio alone. They read ready-made room responses,
where ours makes one for each clip. torchaudio's pitch shift takes seconds and gigabytes for one
clip, so its chain is measured on few. Figures are clips a second of processor time.
"""

import argparse
import importlib.util
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from measuring import finish, peak_megabytes
from numpy.typing import NDArray

from augment.clip import Clip
from augment.noises import add_noise
from augment.rooms import reverb, room_response
from augment.stretching import pitch, speed

RATE = 16_000
ROOMS = tuple(range(200, 501, 50))
NEEDED = {"clips/s": 120, "ours/torchaudio": 100, "ours/audiomentations but pitch": 1.8}

Step = Callable[[Any, dict[str, int]], Any]


@dataclass
class Contender:
    """How one library does each of the four, and the processor seconds that it took a clip."""

    steps: Mapping[str, Step]
    most: int
    """Clips in a round."""
    take: Callable[[NDArray[np.float32]], Any] = lambda samples: samples
    rounds: list[dict[str, float]] = field(default_factory=list)

    def run(self, clips: Sequence[NDArray[np.float32]], draws: Sequence[dict[str, int]]) -> None:
        """Put clips through the chain, and note what each step took."""
        took: dict[str, float] = defaultdict(float)
        for samples, drawn in zip(clips[: self.most], draws, strict=False):
            sound = self.take(samples)
            for name, step in self.steps.items():
                start = time.process_time()
                sound = step(sound, drawn)
                took[name] += time.process_time() - start
        self.rounds.append({name: seconds / self.most for name, seconds in took.items()})

    def seconds(self, *but: str) -> float:
        """Return the seconds that a clip takes, the median of the rounds."""
        return statistics.median(
            sum(seconds for name, seconds in took.items() if name not in but)
            for took in self.rounds
        )


def make_clips(count: int) -> list[NDArray[np.float32]]:
    """Make clips of 1 to 5 s: a voice's overtones, rising and falling, over a little noise."""
    rng = np.random.default_rng(0)
    clips = []
    for seconds in np.linspace(1, 5, count):
        moments = np.arange(int(seconds * RATE)) / RATE
        phase = 2 * np.pi * 120 * (moments + 0.03 * np.sin(5 * moments))
        voice = sum(np.sin(phase * k) / k for k in range(1, 12)) * np.sin(9 * moments) ** 2
        clips.append((0.2 * voice + rng.normal(0, 0.003, len(moments))).astype(np.float32))
    return [clips[i] for i in rng.permutation(count)]


def draw(rng: np.random.Generator) -> dict[str, int]:
    cents = int(rng.integers(20, 201) * rng.choice([-1, 1]))
    return {
        "snr_db": int(rng.integers(10, 31)),
        "percent": int(rng.choice([90, 93, 95, 97, 103, 105, 107, 110])),
        "cents": cents,
        "rt60_ms": int(rng.choice(ROOMS)),
        "seed": int(rng.integers(2**31)),
    }


def ours(most: int) -> Contender:
    return Contender(
        {
            "noise": lambda c, d: add_noise(c, snr_db=d["snr_db"], seed=d["seed"]),
            "speed": lambda c, d: speed(c, percent=d["percent"]),
            "pitch": lambda c, d: pitch(c, cents=d["cents"]),
            "reverb": lambda c, d: reverb(c, rt60_ms=d["rt60_ms"], seed=d["seed"]),
        },
        most,
        lambda samples: Clip(samples, RATE),
    )


def audiomentations(most: int, rooms: Path) -> Contender:
    """The same ranges, drawn by itself; a change of speed is its `Resample`, the rate ignored."""
    import audiomentations as peer

    random.seed(0)
    np.random.seed(0)
    chain = {
        "noise": peer.AddGaussianSNR(10, 30, p=1),
        "speed": peer.Resample(RATE * 100 // 110, RATE * 100 // 90, p=1),
        "pitch": peer.PitchShift(-2, 2, p=1),
        "reverb": peer.ApplyImpulseResponse(rooms, p=1),
    }
    return Contender(
        {name: lambda c, _, op=op: op(c, sample_rate=RATE) for name, op in chain.items()}, most
    )


def torchaudio(most: int) -> Contender:
    from torchaudio import functional

    responses = {ms: torch.from_numpy(room_response(ms, ms, RATE)) for ms in ROOMS}

    def noise(c: torch.Tensor, d: dict[str, int]) -> torch.Tensor:
        return functional.add_noise(c, torch.randn_like(c), torch.tensor(float(d["snr_db"])))

    return Contender(
        {
            "noise": noise,
            "speed": lambda c, d: functional.speed(c, RATE, d["percent"] / 100)[0],
            "pitch": lambda c, d: functional.pitch_shift(c, RATE, d["cents"], 1200),
            "reverb": lambda c, d: functional.fftconvolve(c, responses[d["rt60_ms"]])[: len(c)],
        },
        most,
        torch.from_numpy,
    )


def contenders(quick: bool, rooms: Path) -> dict[str, Contender]:
    found = {"curricle": ours(40 if quick else 200)}
    if importlib.util.find_spec("audiomentations"):
        found["audiomentations"] = audiomentations(40 if quick else 200, rooms)
    else:
        print("audiomentations is not installed and left out (pip install 'curricle[bench]')")
    found["torchaudio"] = torchaudio(2 if quick else 6)
    return found


def show(found: Mapping[str, Contender]) -> None:
    """Print milliseconds a clip for each step, clips a second for the chain, and the ratios."""
    own = found["curricle"]
    print(f"{'contender':18}" + "".join(f"{f'{step} ms':>12}" for step in own.steps), end="")
    print(f"{'clips/s':>10}{'but pitch':>11}{'ours/':>9}{'but pitch':>11}")
    for name, one in found.items():
        parts = [
            one.seconds(*(other for other in own.steps if other != step)) for step in own.steps
        ]
        print(f"{name:18}" + "".join(f"{1000 * part:12.2f}" for part in parts), end="")
        print(f"{1 / one.seconds():10.1f}{1 / one.seconds('pitch'):11.1f}", end="")
        print(f"{one.seconds() / own.seconds():9.2f}", end="")
        print(f"{one.seconds('pitch') / own.seconds('pitch'):11.2f}")
    print(f"peak memory of the whole run: {peak_megabytes():.0f} MB")


def figures(found: Mapping[str, Contender]) -> dict[str, float]:
    own = found["curricle"]
    out = {"clips/s": round(1 / own.seconds(), 1)}
    for name, one in found.items():
        if one is not own:
            out[f"ours/{name}"] = round(one.seconds() / own.seconds(), 2)
            out[f"ours/{name} but pitch"] = round(one.seconds("pitch") / own.seconds("pitch"), 2)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few clips, one round")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for ms in ROOMS:
            soundfile.write(f"{folder}/{ms}.wav", room_response(ms, ms, RATE), RATE, "FLOAT")
        found = contenders(quick, Path(folder))
        clips = make_clips(40 if quick else 200)
        draws = [draw(np.random.default_rng(number)) for number in range(len(clips))]
        for one in found.values():  # first calls load and compile
            Contender(one.steps, 1, one.take).run(clips, draws)
        for _ in range(1 if quick else 3):
            for one in found.values():
                one.run(clips, draws)
    show(found)
    results = figures(found)
    for name, least in NEEDED.items():
        if name in results:
            print(f"{name}: {results[name]:g}, at least {least:g} is wanted")
    finish("augment_audio", results)


if __name__ == "__main__":
    main()
