"""What happened to the runs since we last looked, in sentences."""

from datetime import datetime
from typing import Any

from flows.serving.api import Api
from flows.serving.overview import Deployed, outcome

UNSERVED = "Skipped"
"""Name of the state of a run that came due while nobody served."""


class Journal:
    """Tells of each run of a workspace once when it starts and once when it ends."""

    def __init__(self, api: Api, tag: str, since: datetime) -> None:
        self._api, self._tag = api, tag
        self._since = since.isoformat()
        self._told: set[str] = set()
        self._names: dict[str, str] = {}

    def started(self, run_ids: set[str]) -> list[str]:
        """Name the runs whose process was first seen just now."""
        runs = [self._api.get(f"flow_runs/{run_id}") for run_id in run_ids]
        return [f"{self._name(run)} started" for run in runs if run is not None]

    def ended(self) -> list[str]:
        """Say how the runs ended that did so since the last call; what was skipped is counted."""
        found = self._api.post(
            "flow_runs/filter",
            {
                "deployments": {"tags": {"all_": [self._tag]}},
                "flow_runs": {"end_time": {"after_": self._since}},
                "sort": "END_TIME_DESC",
                "limit": 200,
            },
        )
        new = [run for run in reversed(found) if run["id"] not in self._told]
        if found:
            self._since = found[0]["end_time"]
            self._told = {run["id"] for run in found if run["end_time"] == self._since}
        lines = [f"{self._name(run)} {outcome(run)}" for run in new if not _skipped(run)]
        early = [run for run in new if _skipped(run) and run["state_name"] != UNSERVED]
        return lines + self._skips(early)

    def _skips(self, runs: list[dict[str, Any]]) -> list[str]:
        counts: dict[str, int] = {}
        for run in runs:
            name = self._deployment(run)
            counts[name] = counts.get(name, 0) + 1
        return [
            f"{name}: {count} skipped, since the one before was still busy"
            for name, count in counts.items()
        ]

    def _name(self, run: dict[str, Any]) -> str:
        return f"{self._deployment(run)} {run['name']}"

    def _deployment(self, run: dict[str, Any]) -> str:
        if run["deployment_id"] not in self._names:
            there = self._api.deployments(self._tag)
            self._names = {one["id"]: f"{one['flow_name']}/{one['name']}" for one in there}
        return self._names.get(run["deployment_id"], "a run")


def _skipped(run: dict[str, Any]) -> bool:
    return bool(run["state_type"] == "CANCELLED" and run["run_count"] == 0)


def introduced(deployments: list[Deployed]) -> list[str]:
    """Say what is served, and when each comes next."""
    return [
        f"  {one.name}: {', '.join(one.schedules) or 'when somebody starts it'}"
        + (f"; next {one.next_runs[0]:%Y-%m-%d %H:%M:%S %Z}" if one.next_runs else "")
        for one in deployments
    ]
