"""Croissant metadata of a dataset version: what a machine reads instead of the card.

Croissant 1.1 with its vocabulary for responsible AI (docs.mlcommons.org/croissant). Like the manifest that
it is made of it holds no date, host or path of the workspace: a version rebuilt has the same bytes.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.curation.licences import croissant_licences
from pipelines.curation.manifest import Manifest

CROISSANT_NAME = "croissant.json"
PARQUET = "application/x-parquet"
FILES, ROWS = "shards", "rows"
_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}
_TYPES = {
    pa.int32(): "sc:Integer",
    pa.bool_(): "sc:Boolean",
    pa.string(): "sc:Text",
    pa.float64(): "sc:Float",
    pa.binary(): "sc:Text",  # Croissant has no type for bytes; readers give text as bytes
}
_MEANINGS = {
    "position": "place of the row in the order of training, from 0",
    "stage": "stage of the curriculum",
    "padded": "whether the row only fills its stage up to whole batches",
    "split": "train, validation or test",
    "sample_id": "hash of the question and its answer",
    "question_id": "hash of the question alone",
    "parent_id": "of an augmented view: the sample that it was made from",
    "corpus": "where the sample came from; the first by name",
    "task": "kind of question, as corpus/name",
    "modality": "medium of the question",
    "tags": "what the corpus says of it",
    "prompt": "chat messages, as JSON; content is a list of blocks",
    "question": "text of the prompt",
    "answer": "the checkable answer, as JSON with its kind",
    "answer_kind": "how an answer is checked: number, choice, text, bool, ...",
    "history": "of an augmented view: the transforms that make it of its media, as JSON",
    "steps": "reference steps towards the answer",
    "licence": "licence of the record",
    "pass_rate": "share of right tries when the set froze",
    "tries": "graded answers behind the pass rate",
    "source_ref": "which record of its corpus gave the sample",
    "media": "pictures, clips and videos, in order",
    "media_id": "SHA-256 of the bytes",
    "kind": "image, audio or video",
    "bytes": "the file as it came",
}
"""What each column of a shard says; a test holds it to the columns that there are."""


def write_croissant(folder: Path, manifest: Manifest) -> None:
    """Put the metadata beside the shards, whose sizes it states."""
    sizes = {shard.name: (folder / shard.name).stat().st_size for shard in manifest.shards}
    (folder / CROISSANT_NAME).write_text(croissant_text(manifest, sizes), encoding="utf-8")


def croissant_text(manifest: Manifest, sizes: dict[str, int]) -> str:
    """Give the bytes of `croissant.json`; `sizes` are those of the shards, in bytes."""
    return json.dumps(_dataset(manifest, sizes), indent=1, ensure_ascii=False) + "\n"


def _dataset(manifest: Manifest, sizes: dict[str, int]) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": manifest.dataset,
        "description": _description(manifest),
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "version": f"{manifest.version}.0.0",
        "license": croissant_licences(manifest),
        "keywords": ["reinforcement learning", "curriculum", "verifiable rewards"],
        "citeAs": _citation(manifest),
        "isBasedOn": [c.homepage for c in manifest.corpora if c.homepage.startswith("http")],
        "distribution": _distribution(manifest, sizes),
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": ROWS,
                "name": ROWS,
                "description": "Questions in the order of training.",
                "field": [_field(column, manifest) for column in _columns()],
            }
        ],
        **_responsible(manifest),
    }


def _description(manifest: Manifest) -> str:
    if manifest.kind == "control":
        return (
            f"A random control for {manifest.control_of}: {manifest.samples} questions with checkable "
            "answers, drawn from the same candidates without regard to how hard they are."
        )
    return (
        f"{manifest.samples} questions with checkable answers, chosen by how often a policy answered "
        "them right and ordered for reinforcement fine-tuning with verifiable rewards."
    )


def _citation(manifest: Manifest) -> str:
    """Name the version by its hash, and what it was made from."""
    corpora = ", ".join(
        " ".join(filter(None, (c.title or c.corpus, c.revision and f"({c.revision})")))
        for c in manifest.corpora
    )
    return f"{manifest.label}, manifest {manifest.manifest_hash}, curated with Curricle from: {corpora}"


def _distribution(manifest: Manifest, sizes: dict[str, int]) -> list[dict[str, Any]]:
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": shard.name,
            "name": shard.name,
            "description": f"{shard.rows} rows",
            "contentUrl": shard.name,
            "contentSize": f"{sizes[shard.name]} B",
            "encodingFormat": PARQUET,
            "sha256": shard.sha256,
        }
        for shard in manifest.shards
    ]
    if len(objects) == 1:
        return objects
    whole = {
        "@type": "cr:FileSet",
        "@id": FILES,
        "name": FILES,
        "description": "All shards, in the order of their names.",
        "encodingFormat": PARQUET,
        "includes": "shard-*.parquet",
    }
    return [*objects, whole]


def _columns() -> list[pa.Field]:
    from pipelines.curation.shards import SCHEMA

    return list(SCHEMA)


def _field(column: pa.Field, manifest: Manifest) -> dict[str, Any]:
    """Describe a column; one of structs has its parts below it."""
    listed = pa.types.is_list(column.type)
    kind = column.type.value_type if listed else column.type
    told: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{ROWS}/{column.name}",
        "name": column.name,
        "description": _MEANINGS[column.name],
    }
    if listed:
        told |= {"isArray": True, "arrayShape": "-1"}
    if not pa.types.is_struct(kind):
        return told | {"dataType": _TYPES[kind], "source": _source(column.name, manifest)}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"{ROWS}/{column.name}/{part.name}",
            "name": part.name,
            "description": _MEANINGS[part.name],
            "dataType": _TYPES[part.type],
            "source": _source(column.name, manifest) | {"transform": {"jsonPath": part.name}},
        }
        for part in kind
    ]
    return told | {"subField": parts}


def _source(column: str, manifest: Manifest) -> dict[str, Any]:
    """Say where a column is: in the only shard, whose hash readers check, or in all of them."""
    only = len(manifest.shards) == 1
    where = (
        {"fileObject": {"@id": manifest.shards[0].name}} if only else {"fileSet": {"@id": FILES}}
    )
    return {**where, "extract": {"column": column}}


def _responsible(manifest: Manifest) -> dict[str, Any]:
    """Give what the RAI vocabulary asks and the manifest knows."""
    asked = sorted(
        {f"{e.policy or e.policy_id} ({e.template}, {e.reward_id})" for e in manifest.evidence}
    )
    tries = sum(e.tries for e in manifest.evidence)
    dropped = [f"{count} {reason}" for reason, count in manifest.counts.dropped.items() if count]
    views = [
        f"{r.samples} views by {r.recipe or 'a recipe without a name'}" for r in manifest.recipes
    ]
    return {
        "rai:dataCollection": "Records of the corpora named in citeAs, as they were published.",
        "rai:dataCollectionRawData": ", ".join(
            f"{c.corpus}: {c.samples} samples, {c.licence or 'licence not stated'}"
            for c in manifest.corpora
        ),
        "rai:dataAnnotationProtocol": "Answers are those of the corpora. The pass rate of a sample is the "
        f"share of right answers of a policy: {tries} graded tries over all candidates.",
        "rai:machineAnnotationTools": asked,
        "rai:dataPreprocessingProtocol": [
            f"Kept {manifest.counts.kept} of {manifest.counts.samples} samples; left out: "
            f"{', '.join(dropped) or 'none'}.",
            f"Augmentation: {', '.join(views) or 'none'}.",
            *(f"Repeats of {leak.benchmark} left out: {leak.samples}." for leak in manifest.leaks),
        ],
        "rai:dataLimitations": [
            "Difficulty belongs to the policies, template and sampling that measured it.",
            "Pass rates come from few tries; samples selected for a middling rate are a little easier "
            "or harder than they look.",
            f"{manifest.doubts.unsolved} samples were never answered right, "
            f"{len(manifest.doubts.unsolved_by_all)} of them by no policy; their labels may be wrong.",
        ],
        "rai:dataUseCases": "Reinforcement fine-tuning of models, in this order.",
    }
