"""Runs, in one process, the commands that need nothing but this machine, and says how each ended."""

import json
import sys
from pathlib import Path

from flows.cli.main import run

PLAN = "name = 'd'\n[evidence]\nminimum = 1\n[band]\nlow = 0.0\nhigh = 1.0\n"
ADDRESSES = (
    *("http://169.254.169.254/latest/meta-data", "https://example.org/redirects-to-loopback"),
    *("http://name-of-a-private-range.example/x.png", "ftp://example.org/x.png", "//host/x.png"),
    *("file:///etc/passwd", "s3://bucket/x.png", "hf://datasets/a/b/x.png", "/etc/passwd"),
)
"""What a record may name as its picture, and nobody may open."""
LIGHT = (
    ("init",),
    ("ingest", "squares", "{root}/squares.jsonl", "--map", "{root}/squares.toml"),
    ("ingest", "links", "{root}/links.jsonl", "--map", "{root}/links.toml", "--no-clean"),
    ("clean",),
    ("score", "import", "{root}/answers.jsonl", "--policy", "other"),
    ("curate", "{root}/plan.toml"),
    ("export", "d", "--to", "trl", "--out", "{root}/out"),
    ("card", "d"),
    ("sql", "select count(*) from samples"),
    ("status",),
    ("doctor",),
)
HEAVY = (
    ("report", "d"),
    ("ingest", "digits", "--size", "4"),
    ("ingest", "beeps", "--size", "4"),
    ("augment", "light-image"),
    ("reward", "list"),
    ("withdraw", "--corpus", "beeps", "--reason", "x", "--yes"),
    ("score", "--policy", "{root}/policy", "--max-tokens", "3", "--cap", "4", "--block", "2"),
    ("train", "d", "--policy", "{root}/policy", "--max-steps", "2", "--max-tokens", "3"),
    ("evaluate", "{root}/policy", "--samples", "4", "--max-tokens", "3"),
)
SETS = {"light": LIGHT, "heavy": LIGHT + HEAVY}


def write_inputs(root: Path) -> None:
    """Write a corpus of one's own, outcomes of another policy, and a plan."""
    root.mkdir(parents=True, exist_ok=True)
    records = [{"question": f"What is {i} times {i}?", "answer": str(i * i)} for i in range(12)]
    (root / "squares.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    answers = [
        {"corpus": "squares", "source_ref": f"squares.jsonl:{i + 1}", "correct": bool((i + k) % 2)}
        for i in range(12)
        for k in range(4)
    ]
    (root / "answers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))
    (root / "squares.toml").write_text(
        'prompt = "{question}"\n[answer]\nkind = "number"\nfield = "answer"\n'
    )
    (root / "plan.toml").write_text(PLAN)
    links = [
        {"question": f"What is {i}?", "answer": "1", "image": a} for i, a in enumerate(ADDRESSES)
    ]
    (root / "links.jsonl").write_text("".join(json.dumps(one) + "\n" for one in links))
    (root / "links.toml").write_text(
        (root / "squares.toml").read_text() + '[[media]]\nfield = "image"\nkind = "image"\n'
    )


def main(root: Path, which: str = "light") -> None:
    """Run them all, one after the other."""
    write_inputs(root)
    for words in SETS[which]:
        said = [word.format(root=root) for word in words]
        code = run([*said, "--workspace", str(root / "w")])
        print(json.dumps({"words": words, "code": code}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
