"""What keeps a schedule alive when processes die: dead runs are crashed, their slots are freed.

Two ways, since each misses what the other sees. An automation on the server marks a run crashed
when its heartbeat stops, on whichever machine it ran; Prefect makes none by itself. And whoever
serves looks at the processes of its own machine, which is quicker, also sees runs that died before
their first heartbeat, and does not mistake a server that was away for a run that died.
"""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from flows.serving.api import BUSY, Api
from flows.serving.deploying import HEARTBEAT_SECONDS
from flows.serving.journal import UNSERVED

AUTOMATION = "curricle: a run whose heartbeat stopped is crashed"
_SILENCE_SECONDS = HEARTBEAT_SECONDS + 20
_START_SECONDS = 60
"""How long a run may take from being handed out to its first line of code."""
_UNSERVED_MESSAGE = "Nobody served when it was due, and a later one is due too."
_RESTART_GRACE = timedelta(seconds=90)
_EVER = "prefect.flow-run."


def make_automation(api: Api) -> None:
    """Make our automation on the server, or bring it to what it should be."""
    wanted = automation()
    named = {"automations": {"name": {"any_": [AUTOMATION]}}}
    there = api.post("automations/filter", named)
    if not there:
        api.post("automations/", wanted)
    for one in there:
        if not _as_wanted(one, wanted):
            api.put(f"automations/{one['id']}", wanted)


def automation() -> dict[str, Any]:
    """Crash a flow run that was heard of and then neither beats nor ends."""
    ends = [f"{_EVER}{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")]
    beat = f"{_EVER}heartbeat"
    return {
        "name": AUTOMATION,
        "description": "Made by `curricle serve` (docs/schedule.md).",
        "enabled": True,
        "trigger": {
            "type": "event",
            "match": {"prefect.resource.id": f"{_EVER}*"},
            "after": [beat],
            "expect": [beat, *ends],
            "for_each": ["prefect.resource.id"],
            "posture": "Proactive",
            "threshold": 1,
            "within": _SILENCE_SECONDS,
        },
        "actions": [
            {
                "type": "change-flow-run-state",
                "state": "CRASHED",
                "message": f"No heartbeat for {_SILENCE_SECONDS} seconds.",
            }
        ],
    }


def _as_wanted(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    own, ours = there["trigger"], wanted["trigger"]
    return bool(
        there["enabled"]
        and own["within"] == ours["within"]
        and sorted(own["expect"]) == sorted(ours["expect"])
        and [action["type"] for action in there["actions"]] == ["change-flow-run-state"]
    )


def forgive_silence(database: Path) -> None:
    """Give every run time to be heard again, before a server that was away is started.

    Heartbeats went nowhere while it was away. It would take each run for dead at once, or forget
    to watch it, depending on how long that was.
    """
    if not database.exists():
        return
    until = (datetime.now(UTC) + _RESTART_GRACE).strftime("%Y-%m-%d %H:%M:%S.%f")
    with suppress(sqlite3.Error):
        connection = sqlite3.connect(database, timeout=5)
        try:
            with connection:
                connection.execute('update automation_bucket set "end" = ?', (until,))
        finally:
            connection.close()


class Guard:
    """Looks after the runs of one workspace, again and again."""

    def __init__(self, api: Api, tag: str, seen: dict[str, int]) -> None:
        self._api, self._tag = api, tag
        self.seen = seen
        """Runs whose process was seen on this machine, with its number."""
        self._leaking: set[str] = set()

    def look(self) -> list[str]:
        """Crash what died here, and free slots that nobody holds; say so. Raises ServerAway."""
        runs = self._api.busy_runs(self._tag)
        for run in runs:
            self._judge(run)
        self.seen = {run["id"]: self.seen[run["id"]] for run in runs if run["id"] in self.seen}
        return self._free_slots(runs)

    def skip_overdue(self) -> list[str]:
        """Of the runs that came due while nobody served, keep each deployment's last; say so.

        A worker would take them all at once, only to be told that the first is under way.
        """
        said = []
        for one in self._api.deployments(self._tag):
            if (one["concurrency_options"] or {}).get("collision_strategy") != "CANCEL_NEW":
                continue
            overdue = self._overdue(one["id"])
            for run in overdue[1:]:
                skipped = {"type": "CANCELLED", "name": UNSERVED, "message": _UNSERVED_MESSAGE}
                self._api.post(f"flow_runs/{run['id']}/set_state", {"state": skipped})
            if len(overdue) > 1:
                said.append(
                    f"{one['flow_name']}/{one['name']}: {len(overdue)} runs came due while nobody "
                    f"served; skipped: {len(overdue) - 1}"
                )
        return said

    def _overdue(self, deployment: str) -> list[dict[str, Any]]:
        wanted = {
            "deployment_id": {"any_": [deployment]},
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
        order = "EXPECTED_START_TIME_DESC"
        return self._api.all("flow_runs/filter", {"flow_runs": wanted, "sort": order})

    def orphans(self) -> list[int]:
        """Give the processes of runs on this machine whose worker is gone."""
        return [pid for run, pid in self.seen.items() if is_run(pid, run) and not _has_worker(pid)]

    def _judge(self, run: dict[str, Any]) -> None:
        if run["state_type"] not in BUSY:
            return
        pid = int(run["infrastructure_pid"]) if _is_number(run["infrastructure_pid"]) else 0
        if pid and is_run(pid, run["id"]):
            self.seen[run["id"]] = pid
            return
        if run["id"] in self.seen:
            why = "Its process is gone."
        elif run["state_type"] == "PENDING" and _age(run) > _START_SECONDS:
            why = f"It did not start within {_START_SECONDS} seconds."
        else:
            return
        # A run that ended meanwhile stays as it ended: the server refuses this for it.
        crashed = {"type": "CRASHED", "name": "Crashed", "message": why}
        self._api.post(f"flow_runs/{run['id']}/set_state", {"state": crashed})

    def _free_slots(self, runs: list[dict[str, Any]]) -> list[str]:
        """Free slots that nobody holds, once they were seen to be so twice."""
        leaking = {
            one["id"]: one
            for one in self._api.deployments(self._tag)
            if (limit := one["global_concurrency_limit"])
            and limit["active_slots"] > _holders(runs, one["id"])
        }
        twice, self._leaking = leaking.keys() & self._leaking, set(leaking)
        # A run that started or ended while we looked is none that leaked.
        now = self._api.busy_runs(self._tag) if twice else []
        for key in twice:
            slots = {"active_slots": max(_holders(runs, key), _holders(now, key))}
            limit = leaking[key]["global_concurrency_limit"]
            self._api.patch(f"v2/concurrency_limits/{limit['id']}", slots)
        return [
            f"freed a slot of {leaking[key]['name']} that no run held any more" for key in twice
        ]


def is_run(pid: int, run_id: str) -> bool:
    """Whether this machine's process of that number works on the run."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.environ().get("PREFECT__FLOW_RUN_ID") == run_id)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


def _has_worker(pid: int) -> bool:
    try:
        parent = psutil.Process(pid).parent()
        return parent is not None and "worker" in parent.cmdline()
    except psutil.Error:
        return False


def _holders(runs: list[dict[str, Any]], deployment: str) -> int:
    return sum(run["deployment_id"] == deployment for run in runs)


def _is_number(value: object) -> bool:
    return str(value or "").isdigit()


def _age(run: dict[str, Any]) -> float:
    since = datetime.fromisoformat(run["state"]["timestamp"])
    return (datetime.now(UTC) - since).total_seconds()
