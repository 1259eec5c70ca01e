"""The name of a checkpoint: the hash of what decides its answers. Needs no model library."""

import hashlib
from pathlib import Path

from pipelines.record.canonical import content_hash

IDENTITY_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
NOT_IDENTITY = ("curricle*.json", "trainer_state.json", "*.safetensors.index.json")


def checkpoint_id(folder: Path) -> str:
    """Name a checkpoint by the content of its weights, configuration, processor and template."""
    skipped = {path for pattern in NOT_IDENTITY for path in folder.glob(pattern)}
    files = {path for pattern in IDENTITY_FILES for path in folder.glob(pattern)} - skipped
    digests = []
    for path in sorted(files):
        with path.open("rb") as file:
            digests.append([path.name, hashlib.file_digest(file, "sha256").hexdigest()])
    return content_hash(digests)
