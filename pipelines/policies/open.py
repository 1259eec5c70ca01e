"""Open any policy from what a person wrote of it: an address, a checkpoint folder, or a hub id."""

import json
import os
from pathlib import Path

import httpx

from pipelines.catalog import Catalog
from pipelines.policies.policy import Policy, PolicyUnavailable
from pipelines.workspace import WrongUse


def is_served(source: str | Path) -> bool:
    """Whether a source is the address of a server."""
    return str(source).startswith(("http://", "https://"))


def open_policy(
    source: str | Path,
    *,
    name: str = "",
    model: str = "",
    revision: str = "",
    api_key_env: str = "",
    concurrency: int = 32,
    timeout: float = 300.0,
) -> Policy:
    """Load a checkpoint into this process, or meet the server at an address.

    All but source and name is about servers. Raises WrongUse for what is written wrongly,
    FileNotFoundError where there is no checkpoint and PolicyUnavailable where no server answers.
    """
    if not is_served(source):
        from pipelines.policies.checkpoint import CheckpointPolicy

        return CheckpointPolicy(source, name=name)
    from pipelines.policies.served import ServedPolicy
    from pipelines.policies.served_line import Patience

    return ServedPolicy(
        checked_address(str(source)),
        model,
        name=name,
        revision=revision,
        key=_key(api_key_env),
        concurrency=concurrency,
        patience=Patience(timeout=timeout),
    )


def checked_address(source: str) -> str:
    """Give the address of a server's API. Raises WrongUse for one that is none."""
    try:
        url = httpx.URL(source)
    except httpx.InvalidURL as error:
        raise WrongUse(f"policy {source!r} is no address: {error}") from error
    if url.userinfo:
        raise WrongUse(
            f"the address of {url.host} holds a key, which would be stored with every answer; put it "
            "into an environment variable and name that as `api_key_env` in [policy]"
        )
    if not url.host or url.query or url.fragment:
        raise WrongUse(
            f"policy {source!r} is not the address of an API, as http://127.0.0.1:8000/v1 is"
        )
    return source.rstrip("/").removesuffix("/chat/completions")


def refuse_other_weights(catalog: Catalog, policy: Policy) -> None:
    """Compare a served policy's greeting with the one kept. Raises PolicyUnavailable."""
    greeting = policy.details.get("greeting")
    if not greeting or not catalog.path.exists():
        return
    for row in catalog.rows("select details from policies where policy_id = ?", policy.policy_id):
        kept = json.loads(row["details"]).get("greeting")
        if kept and kept != greeting:
            raise PolicyUnavailable(
                f"{policy.name!r} at {policy.details['base_url']} greets otherwise than when it was "
                "first asked: other weights, or another precision, under the same name; give it a "
                "`revision` in [policy], so that its answers are not mixed with the old ones"
            )


def _key(api_key_env: str) -> str:
    if not api_key_env:
        return ""
    key = os.environ.get(api_key_env, "").strip()
    if not key:
        raise WrongUse(f"environment variable {api_key_env}, named by `api_key_env`, holds no key")
    return key
