"""Near-duplicates among 100,000 and 1,000,000 texts, and among 100,000 picture hashes.

One text in fifty is a copy of another with one word changed; recall is the share of these that is
found. Ours puts texts into plain words, finds every pair of at least .8 Jaccard similarity of
3-grams and counts it exactly; the peers split at spaces and estimate it by MinHash (128
permutations). Each peer runs in an environment of its own, made in a temporary folder, or in
`--peers FOLDER` where it is kept for the next time. The million is ours alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
from measuring import finish, peak_megabytes

from pipelines.clean.near_pictures import near_hashes
from pipelines.clean.near_texts import near_texts
from pipelines.clean.texts import plain_words

PEERS = {
    "datasketch": ("datasketch",),
    "rensa": ("rensa",),
    "py-data-juicer": ("py-data-juicer", "aiohttp"),  # which it imports and does not ask for
}
"""What is installed for each peer."""
WORDS = 30_000
Timed = tuple[float, float, float]
"""Wall seconds, CPU seconds, recall."""


def make_texts(count: int) -> list[str]:
    """Write texts of 40 to 70 words as common as words are, then the copies, last copy first."""
    rng = np.random.default_rng(0)
    weights = 1 / (np.arange(WORDS) + 10)
    lengths = rng.integers(40, 70, count)
    vocabulary = np.array([_word(number) for number in range(WORDS)])
    words = vocabulary[rng.choice(WORDS, lengths.sum(), p=weights / weights.sum())]
    parts = np.split(words, np.cumsum(lengths)[:-1])
    copies = count // 50
    for number in range(copies):
        changed = parts[number].copy()
        changed[rng.integers(len(changed))] = "another"
        parts[count - 1 - number] = changed
    return [" ".join(part) for part in parts]


def _word(number: int) -> str:
    letters = "etaoinshrdlu"
    return letters[number % 12] + (_word(number // 12) if number >= 12 else "")


def recall(pairs: list[tuple[int, int]], count: int) -> float:
    planted = {(number, count - 1 - number) for number in range(count // 50)}
    return len(planted & {(min(p), max(p)) for p in pairs}) / len(planted)


def ours(texts: list[str]) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    found = near_texts([plain_words(text) for text in texts])
    took = time.perf_counter() - wall, time.process_time() - cpu
    pairs = list(zip(found["a"].to_pylist(), found["b"].to_pylist(), strict=True))
    return *took, recall(pairs, len(texts))


def peer(name: str, texts: list[str], folder: Path) -> Timed | None:
    """Run a peer; None, with a sentence, where it cannot be installed or does not run."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        venv.create(folder / name, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", *PEERS[name]]
        if subprocess.run(install, capture_output=True, check=False).returncode:
            print(f"{name} is left out: it cannot be installed here")
            return None
    file = folder / "texts.txt"
    file.write_text("\n".join(texts))
    script = Path(__file__).with_name("dedup_peers.py")
    done = subprocess.run([python, script, name, file], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} is left out: it ends with {done.stderr.strip().splitlines()[-1:]}")
        return None
    told = json.loads(done.stdout.strip().splitlines()[-1])
    pairs = [(a, b) for a, b in told["pairs"]]
    return told["seconds"], told["cpu"], recall(pairs, len(texts))


def compare(count: int, folder: Path) -> dict[str, float]:
    """Print ours beside the peers, one round; give the ratios of processor time."""
    texts = make_texts(count)
    timed = {"curricle": ours(texts)}
    timed |= {name: t for name in PEERS if (t := peer(name, texts, folder)) is not None}
    print(f"{count:,} texts")
    print(f"{'contender':20}{'wall s':>9}{'CPU s':>9}{'CPU / ours':>12}{'recall':>9}")
    own = timed["curricle"][1]
    for name, (wall, cpu, found) in timed.items():
        print(f"{name:20}{wall:9.2f}{cpu:9.2f}{cpu / own:12.2f}{found:9.4f}")
    return {f"{name}/ours": round(t[1] / own, 2) for name, t in timed.items() if name != "curricle"}


def hashes(count: int) -> dict[str, float]:
    """Find pairs within 7 of 64 bits, a hundredth of them planted; the best of three rounds."""
    rng = np.random.default_rng(0)
    given = rng.integers(-(2**63), 2**63 - 1, count, dtype=np.int64)
    for number in range(count // 100):
        bits = rng.choice(64, number % 8, replace=False).astype(np.uint64)
        mask = np.bitwise_or.reduce(np.uint64(1) << bits, initial=np.uint64(0))
        given[count - 1 - number] = (given[number : number + 1].view(np.uint64) ^ mask).view(
            np.int64
        )[0]
    best = float("inf"), float("inf")
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        found = near_hashes(given, 7)
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    pairs = set(zip(found["a"].to_pylist(), found["b"].to_pylist(), strict=True))
    planted = {(number, count - 1 - number) for number in range(count // 100)}
    share = len(pairs & planted) / len(planted)
    print(f"{count:,} hashes: {best[0]:.2f} s, {best[1]:.2f} CPU s, recall {share:.4f}")
    return {"hash pairs s": round(best[0], 2), "hash pairs CPU s": round(best[1], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, no million")
    parser.add_argument("--peers", type=Path, help="folder with the peers' environments")
    options = parser.parse_args()
    count = 10_000 if options.quick else 100_000
    with tempfile.TemporaryDirectory() as made:
        figures = compare(count, (options.peers or Path(made)).absolute())
    if not options.quick:
        wall, cpu, found = ours(make_texts(1_000_000))
        print(f"1,000,000 texts: {wall:.1f} s, {cpu:.1f} CPU s, recall {found:.4f}")
    figures |= hashes(count)
    print(f"peak memory: {peak_megabytes():.0f} MB")
    finish("dedup", figures)


if __name__ == "__main__":
    sys.exit(main())
