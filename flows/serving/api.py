"""The few requests we make of a Prefect server, over its REST API.

Prefect itself takes seconds to import; `curricle status` has to answer at once.
"""

import os
import time
from typing import Any

import httpx

from pipelines.workspace import Failed

BUSY = ("PENDING", "RUNNING", "CANCELLING")
"""Types of the states in which a run holds its deployment's slot."""
_PAGE = 200
_BUSY_CODES = (429, 502, 503)
_WAITS = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries when the server is busy: its SQLite file takes one writer at a time."""
_CONNECT_SECONDS = 0.8
"""A server that is there takes a connection at once, however slow its answers are."""


class ServerAway(Failed):
    """Nobody answers at the server's address."""


class Api:
    """A Prefect server by its address, such as `http://127.0.0.1:4200/api`."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self.url}/",
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
            headers=_key(),
            auth=_password(),
        )

    def answers(self) -> bool:
        """Whether a server is there and ready."""
        try:
            return self._client.get("health").status_code == 200
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    def get(self, path: str) -> Any:
        """Read one thing; None where the server does not know it. Raises ServerAway."""
        return self._request("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask or create. Raises ServerAway, and Failed when the server refuses."""
        return self._request("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Replace one thing."""
        self._request("PUT", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """Change one thing."""
        self._request("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Remove one thing; it may be gone already."""
        self._request("DELETE", path, None)

    def all(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask page by page until there is no more."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.post(path, body | {"limit": _PAGE, "offset": len(found)})
            found += page
            if len(page) < _PAGE:
                return found

    def deployments(self, tag: str) -> list[dict[str, Any]]:
        """Find the deployments that carry a tag, with the name of their flow."""
        wanted = {"deployments": {"tags": {"all_": [tag]}}}
        found = self.all("deployments/filter", wanted)
        flows = {flow["id"]: flow["name"] for flow in self.all("flows/filter", wanted)}
        return [one | {"flow_name": flows.get(one["flow_id"], "?")} for one in found]

    def busy_runs(self, tag: str) -> list[dict[str, Any]]:
        """Find the runs of these deployments that hold a slot, those that wait to retry included."""
        state = {"operator": "or_", "type": {"any_": BUSY}, "name": {"any_": ["AwaitingRetry"]}}
        return self.all(
            "flow_runs/filter",
            {"deployments": {"tags": {"all_": [tag]}}, "flow_runs": {"state": state}},
        )

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        answer = self._answer(method, path, body)
        for wait in _WAITS:
            if answer.status_code not in _BUSY_CODES:
                break
            time.sleep(wait)
            answer = self._answer(method, path, body)
        if answer.status_code == 404 and method in ("GET", "DELETE"):
            return None
        if answer.is_error:
            raise Failed(
                f"the Prefect server at {self.url} refused {method} {path} with "
                f"{answer.status_code}: {answer.text[:200]}"
            )
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerAway(f"the Prefect server at {self.url} does not answer") from error


def _key() -> dict[str, str]:
    key = os.environ.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _password() -> tuple[str, str] | None:
    name, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (name, password) if name else None
