"""The data card of a dataset version: Markdown under a header that the Hugging Face hub reads."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.curation.counting import REASONS
from pipelines.curation.croissant import write_croissant
from pipelines.curation.licences import hub_licences, other_licences
from pipelines.curation.manifest import CARD_NAME, Manifest
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = files("pipelines.curation") / "card.md.jinja"
_TASKS = {
    "image": "visual-question-answering",
    "video": "video-text-to-text",
    "audio": "audio-text-to-text",
    "text": "question-answering",
}
"""What the hub calls the task of questions with these media."""
_TAGS = ("reinforcement-learning", "curriculum", "verifiable-rewards", "curricle")


class Plain(str):
    """Markdown that is ours, not to be escaped."""

    __slots__ = ()


def render_card(manifest: Manifest) -> str:
    """Write the card of a version."""
    body = _template().render(m=manifest, reasons=REASONS, fenced=fenced, code=_code)
    return f"---\n{_header(manifest)}\n---\n\n{body}"


def write_card(folder: Path, manifest: Manifest) -> None:
    """Put the card beside the shards, and the same for machines."""
    (folder / CARD_NAME).write_text(render_card(manifest), encoding="utf-8")
    write_croissant(folder, manifest)


def card_path(workspace: Workspace, manifest: Manifest) -> Path:
    """Where the workspace keeps its copy of a version's card."""
    return workspace.root / "data_cards" / f"{manifest.label}.md"


def copy_card(workspace: Workspace, manifest: Manifest) -> Path:
    """Keep a copy of the card in the workspace's `data_cards` folder."""
    path = card_path(workspace, manifest)
    text = render_card(manifest)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def escaped(value: object) -> str:
    """Show what a person or a corpus wrote as plain text, on one line, whatever it holds."""
    if isinstance(value, Plain):
        return value
    text = " ".join(str(value).split())
    text = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fenced(text: str, language: str) -> Plain:
    """Show a text as it is, in a fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Plain(f"{fence}{language}\n{text.strip()}\n{fence}")


def _code(text: str) -> Plain:
    """Show one word of ours inside backticks."""
    return Plain(text.replace("`", ""))


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        finalize=escaped, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _header(manifest: Manifest) -> str:
    from huggingface_hub import DatasetCardData

    media = sorted({kind for c in manifest.contents for kind in c.modality.split("+")})
    name, link = other_licences(manifest)
    header = DatasetCardData(
        pretty_name=manifest.label,
        license=hub_licences(manifest),
        license_name=name or None,
        license_link=link or None,
        annotations_creators=["found", "machine-generated"],
        source_datasets=["extended"],
        task_categories=sorted({_TASKS[medium] for medium in media if medium in _TASKS}) or None,
        size_categories=[_size_category(manifest.rows)],
        tags=[*_TAGS, *(medium for medium in media if medium != "text")],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": manifest.plan["split"], "path": "shard-*.parquet"}],
            }
        ],
    )
    return str(header.to_yaml())


def _size_category(rows: int) -> str:
    bounds = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
    return next((name for bound, name in bounds.items() if rows < bound), "1M<n<10M")
