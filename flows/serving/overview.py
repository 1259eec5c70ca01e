"""What a schedule has done and will do: each deployment's next runs and how its runs ended."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flows.serving.api import Api

_NEXT = 3
_BEGUN = ["RUNNING", "CANCELLING", "COMPLETED", "FAILED", "CRASHED"]


@dataclass(frozen=True)
class Deployed:
    """One deployment of a workspace."""

    name: str
    """Of the flow and of the deployment, such as `refresh/nightly`."""
    schedules: tuple[str, ...]
    """When it runs; empty where nothing but a person starts it."""
    next_runs: tuple[datetime, ...]
    """The next few, in the time zone of the schedule."""
    last: str
    """How the last run that began ended, or that it is under way; empty before the first."""
    last_started: datetime | None
    ended: dict[str, int]
    """How many runs ended how; `skipped` ones were due while the one before was still busy."""


def overview(api: Api, tag: str) -> list[Deployed]:
    """Ask the server about every deployment of a workspace. Raises ServerAway."""
    there = sorted(api.deployments(tag), key=lambda one: one["name"])
    return [_deployed(api, one) for one in there]


def _deployed(api: Api, one: dict[str, Any]) -> Deployed:
    active = [schedule["schedule"] for schedule in one["schedules"] if schedule["active"]]
    if one["paused"]:
        active = []
    zone = ZoneInfo(next((said["timezone"] for said in active if said.get("timezone")), "UTC"))
    last = _runs(api, one, _state(*_BEGUN), "START_TIME_DESC", 1)
    return Deployed(
        name=f"{one['flow_name']}/{one['name']}",
        schedules=tuple(map(_in_words, active)),
        next_runs=tuple(
            datetime.fromisoformat(run["expected_start_time"]).astimezone(zone)
            for run in _runs(api, one, _scheduled(), "EXPECTED_START_TIME_ASC", _NEXT)
        ),
        last=outcome(last[0]) if last else "",
        last_started=datetime.fromisoformat(last[0]["start_time"]) if last else None,
        ended={
            "completed": _count(api, one, "COMPLETED"),
            "failed": _count(api, one, "FAILED"),
            "crashed": _count(api, one, "CRASHED"),
            # What a person cancels has begun a task; what comes too early has not.
            "skipped": _count(api, one, "CANCELLED") - _count(api, one, "CANCELLED", begun=True),
        },
    )


def _scheduled() -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return _state("SCHEDULED") | {"expected_start_time": {"after_": now}}


def _state(*types: str) -> dict[str, Any]:
    return {"state": {"type": {"any_": types}}}


def _runs(
    api: Api, one: dict[str, Any], which: dict[str, Any], order: str, limit: int
) -> list[dict[str, Any]]:
    wanted = {"flow_runs": which | _of(one), "sort": order, "limit": limit}
    found: list[dict[str, Any]] = api.post("flow_runs/filter", wanted)
    return found


def _count(api: Api, one: dict[str, Any], kind: str, *, begun: bool = False) -> int:
    wanted: dict[str, Any] = {"flow_runs": _state(kind) | _of(one)}
    if begun:
        wanted["task_runs"] = {"start_time": {"is_null_": False}}
    return int(api.post("flow_runs/count", wanted))


def _of(one: dict[str, Any]) -> dict[str, Any]:
    return {"deployment_id": {"any_": [one["id"]]}}


def _in_words(schedule: dict[str, Any]) -> str:
    if "cron" in schedule:
        return f"{schedule['cron']} {schedule.get('timezone') or 'UTC'}"
    if "interval" in schedule:
        return f"every {float(schedule['interval']):g} s"
    return str(schedule.get("rrule", schedule))


def outcome(run: dict[str, Any]) -> str:
    """Say in a word how a run ended, and in how long, or why not."""
    name = str(run["state_name"]).lower()
    if run["state_type"] == "COMPLETED":
        return f"{name} in {float(run['total_run_time'] or 0):.0f} s"
    message = str((run["state"] or {}).get("message") or "")
    return f"{name}: {message.splitlines()[0][:120]}" if message else name
