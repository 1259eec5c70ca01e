"""Corpora with a file or two damaged at random: bytes flipped, cut, repeated, exchanged, inserted."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import extracts
import layouts
import pyarrow as pa
from pyarrow import feather, ipc
from pyarrow import parquet as pq

from pipelines.corpora.opening import Wanted

HOSTILE = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"NaN",
        b"Infinity",
        b"null",
    ),
    *(b'"', b"\n", b"[" * 500, b"{" * 500, b'"question":"x",', b"<image>", b"<|im_start|>", b"../"),
    *(b"/etc/passwd", b"9" * 5000, b"1e999", b"-1", b"\xf0\x9f", b"http://localhost/", b"true"),
)
Build = Callable[[Path], tuple[Path, str]]
"""Writes a sound corpus into a folder; gives its root and the mapping, "" for a known one."""

PROBLEMS = [{"question": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(12)]
PLAIN = 'prompt = "{question}"\n[answer]\nkind = "number"\nfield = "answer"\n'
BOXES = (
    'format = "labelme"\nprompt = "Where is {label}?"\n[answer]\nkind = "boxes"\nfield = "boxes"\n'
)
NAMED = (
    'format = "media"\nname_pattern = "(?P<label>[a-z]+)_"\nprompt = "What is it?"\n'
    '[answer]\nkind = "text"\nfield = "label"\n'
)
PICTURED = PLAIN + '[[media]]\nfield = "image"\n'


def _table(root: Path, name: str, put: Callable[[pa.Table, Path], object]) -> tuple[Path, str]:
    rows = [p | {"image": {"bytes": extracts.png(i), "path": None}} for i, p in enumerate(PROBLEMS)]
    root.mkdir(parents=True)
    put(pa.Table.from_pylist(rows), root / name)
    return root, PICTURED


def _stream(table: pa.Table, path: Path) -> None:
    with ipc.new_stream(str(path), table.schema) as stream:
        stream.write_table(table, max_chunksize=4)


def _written(root: Path, name: str, data: bytes, mapping: str = PLAIN) -> tuple[Path, str]:
    extracts.write(root / name, data)
    return root, mapping


def _lines() -> bytes:
    return b"".join(json.dumps(problem).encode() + b"\n" for problem in PROBLEMS)


def _csv() -> bytes:
    rows = (f'"{p["question"]}","{p["answer"]}"\n' for p in PROBLEMS)
    return "".join(["question,answer\n", *rows]).encode()


def _pictures(root: Path) -> tuple[Path, str]:
    for i, label in enumerate(("cat", "dog", "owl")):
        extracts.write(root / f"{label}_{i}.png", extracts.png(i))
    extracts.write(root / "bell_0.wav", extracts.wav())
    return root, NAMED


def _saved(root: Path) -> tuple[Path, str]:
    made, mapping = _table(root, "data.arrow", _stream)
    extracts.write(root / "state.json", json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    return made, mapping


def _fsdd(root: Path) -> tuple[Path, str]:
    for take in range(6):
        extracts.write(root / f"recordings/{take}_ann_{take}.wav", extracts.wav(800 + take))
    return root, ""


def _aqua(root: Path) -> tuple[Path, str]:
    extracts.write_lines(root / "dev.json", [extracts.with_options() for _ in range(8)])
    return root, ""


def _screenagent(root: Path) -> tuple[Path, str]:
    steps = {f"{i}_translate.json": [extracts.click(i, i + 1)] * (1 + i % 2) for i in range(4)}
    return extracts.session(root, steps), ""


def _labelme(root: Path) -> tuple[Path, str]:
    return extracts.screen(root), BOXES


KNOWN: dict[str, Build] = {
    "gsm8k": lambda root: (
        extracts.gsm8k(root, train=[extracts.word_problem(f"{i}?") for i in range(8)]),
        "",
    ),
    "fsdd": _fsdd,
    "nlvr": lambda root: (extracts.nlvr(root, [extracts.statement()]), ""),
    "puzzlevqa": lambda root: (extracts.puzzlevqa(root, [extracts.puzzle()] * 8), ""),
    "blindtest": lambda root: (extracts.blindtest(root), ""),
    "aqua": _aqua,
    "mathvision": lambda root: (extracts.mathvision(root, [extracts.figure()] * 8), ""),
    "guipilot": lambda root: (extracts.screen(root), ""),
    "screenagent": _screenagent,
}
MAPPED: dict[str, Build] = {
    "jsonl": lambda root: _written(root, "a.jsonl", _lines()),
    "json-list": lambda root: _written(root, "a.json", json.dumps(PROBLEMS).encode()),
    "json-object": lambda root: _written(
        root, "a.json", json.dumps({"data": PROBLEMS}, indent=1).encode()
    ),
    "gzip": lambda root: _written(root, "a.jsonl.gz", gzip.compress(_lines(), mtime=0)),
    "csv": lambda root: _written(root, "a.csv", _csv()),
    "parquet": lambda root: _table(root, "a.parquet", pq.write_table),
    "feather": lambda root: _table(
        root, "a.feather", lambda table, path: feather.write_feather(table, str(path))
    ),
    "arrow": lambda root: _table(root, "a.arrow", _stream),
    "saved": _saved,
    "nested": lambda root: (layouts.nested_json(root), layouts.NESTED),
    "clips": lambda root: (layouts.csv_of_clips(root), layouts.CLIPS),
    "pairs": lambda root: (layouts.tar_of_pairs(root), layouts.PAIRS),
    "labelme": _labelme,
    "pictures": _pictures,
}
BUILDS = {**KNOWN, **MAPPED}


def damaged(name: str, seed: int, folder: Path) -> Wanted:
    """Write a corpus, damage it, and say how it is to be opened."""
    rng = random.Random(f"{name}:{seed}")
    root, mapping = BUILDS[name](folder / "corpus")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in rng.sample(files, min(len(files), rng.randint(1, 2))):
        path.write_bytes(mutated(path.read_bytes(), rng))
    if not mapping:
        return Wanted(name, str(root))
    return Wanted("mine", str(root), extracts.write(folder / "map.toml", mapping))


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Damage some bytes in one to four ways."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(list(_ways()))(data, rng)
    return data


def _ways() -> Iterator[Callable[[bytes, random.Random], bytes]]:
    yield from (_flip, _cut, _insert, _repeat, _exchange, _overwrite)


def _place(data: bytes, rng: random.Random) -> int:
    return rng.randrange(len(data) + 1)


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(min(len(out), rng.randint(1, 8))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted((_place(data, rng), _place(data, rng)))
    return data[:start] if rng.random() < 0.5 else data[:start] + data[end:]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.choice(HOSTILE) + data[at:]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted((_place(data, rng), _place(data, rng)))
    return data[:end] + data[start:end] * rng.randint(1, 20) + data[end:]


def _exchange(data: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(_place(data, rng) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    rubbish = rng.randbytes(rng.choice((1, 4, 16)))
    return data[:at] + rubbish + data[at + len(rubbish) :]
