"""When a cron schedule comes due around a change of the clock, asked of Prefect's own schedules."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

BERLIN = ZoneInfo("Europe/Berlin")


def due(cron: str, zone: str, start: datetime, n: int) -> list[str]:
    from prefect.server.schemas.schedules import CronSchedule

    async def ask() -> list[Any]:
        schedule = CronSchedule(cron=cron, timezone=zone)
        return list(await schedule.get_dates(n=n, start=start))

    return [f"{moment.astimezone(BERLIN):%d %H:%M %Z}" for moment in asyncio.run(ask())]


@pytest.mark.parametrize("minute", ["00", "30"])
def test_a_night_without_that_hour_has_its_run_an_hour_earlier(minute: str) -> None:
    start = datetime(2027, 3, 27, 12, tzinfo=BERLIN)
    planned = due(f"{minute} 2 * * *", "Europe/Berlin", start, 2)
    assert planned == [f"28 01:{minute} CET", f"29 02:{minute} CEST"]


def test_a_night_with_that_hour_twice_has_one_run() -> None:
    start = datetime(2027, 10, 30, 12, tzinfo=BERLIN)
    assert due("0 2 * * *", "Europe/Berlin", start, 3) == [
        "31 02:00 CEST",
        "01 02:00 CET",
        "02 02:00 CET",
    ]


def test_a_schedule_in_utc_knows_no_summer_time() -> None:
    start = datetime(2027, 3, 27, 12, tzinfo=BERLIN)
    assert due("0 2 * * *", "UTC", start, 2) == ["28 04:00 CEST", "29 04:00 CEST"]


def test_a_clock_set_back_plans_no_moment_twice() -> None:
    start = datetime(2027, 3, 1, 12, tzinfo=BERLIN)
    planned = due("0 2 * * *", "Europe/Berlin", start, 5)
    again = due("0 2 * * *", "Europe/Berlin", start - timedelta(hours=20), 6)
    assert again[1:] == planned
