"""Licences as the Hugging Face hub and Croissant name them."""

import re
from collections.abc import Iterable

from pipelines.curation.manifest import Manifest

HUB_LICENCES = {
    **{"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-2-clause": "BSD-2-Clause"},
    **{"bsd-3-clause": "BSD-3-Clause", "cc0-1.0": "CC0-1.0", "cc-by-4.0": "CC-BY-4.0"},
    **{"cc-by-3.0": "CC-BY-3.0", "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc-by-sa-3.0": "CC-BY-SA-3.0"},
    **{"cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0"},
    **{"cc-by-nd-4.0": "CC-BY-ND-4.0", "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0"},
    **{"odc-by": "ODC-By-1.0", "odbl": "ODbL-1.0", "pddl": "PDDL-1.0"},
    **{"gpl-3.0": "GPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only", "unlicense": "Unlicense"},
}
"""The hub's names of licences, and SPDX's; any other is `other` on the hub."""


def hub_licences(manifest: Manifest) -> list[str]:
    """Give the hub's names of all licences in a set; `unknown` where a corpus states none."""
    return sorted({_hub_name(name) for name in stated(manifest)})


def other_licences(manifest: Manifest) -> tuple[str, str]:
    """Give name and link of the licences that the hub knows by no name; empty where there is none."""
    others = [name for name in stated(manifest) if _hub_name(name) == "other"]
    corpora = [c for c in manifest.corpora if _hub_name_in(c.licence, "other")]
    slugs = (re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "other" for name in others)
    link = next((c.homepage for c in corpora if c.homepage.startswith("http")), "")
    return "-and-".join(slugs), link


def croissant_licences(manifest: Manifest) -> list[str]:
    """Give an address for each licence that SPDX knows, and the others as they are stated."""
    return [_address(name) for name in stated(manifest)] or ["not stated"]


def stated(manifest: Manifest) -> list[str]:
    """Give the licences of a set's corpora as they are stated, each once."""
    return sorted({name for corpus in manifest.corpora for name in _split(corpus.licence)})


def _split(licence: str) -> Iterable[str]:
    return [name.strip() for name in licence.split(",")]


def _hub_name(name: str) -> str:
    if not name:
        return "unknown"
    return name.lower() if name.lower() in HUB_LICENCES else "other"


def _hub_name_in(licence: str, wanted: str) -> bool:
    return any(_hub_name(name) == wanted for name in _split(licence))


def _address(name: str) -> str:
    spdx = HUB_LICENCES.get(name.lower())
    return f"https://spdx.org/licenses/{spdx}.html" if spdx else name or "not stated"
