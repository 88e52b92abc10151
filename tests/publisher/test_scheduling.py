"""The service's clock: what happens when the machine's is set, which a test can't do for real."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from publisher import scheduling
from publisher.scheduling import Service
from tests.publisher.conftest import House
from tests.publisher.printing import press_of


def service_of(house: House, tmp_path: Path) -> Service:
    return Service(press_of(house), tmp_path / "heartbeat", lambda _report: None)


def test_a_clock_that_was_set_back_does_not_stop_the_service(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(house, tmp_path)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start(paused=True)
    an_hour_off = datetime.now(UTC) + timedelta(hours=1)
    job = scheduler.add_job(print, "interval", hours=1, next_run_time=an_hour_off)
    # Only the module's view of the clock is changed: nobody may set the machine's.
    shifts = iter([0.0, 0.0, -3600.0])

    class Clock:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            shift = next(shifts, None)
            if shift is None:
                service.stop()
                return time.time() - 3600
            return time.time() + shift

    monkeypatch.setattr(scheduling, "time", Clock)
    monkeypatch.setattr(scheduling, "SECONDS_BETWEEN_LOOKS", 0.01)

    service._watch_the_clock(scheduler)

    (moved,) = scheduler.get_jobs()
    assert moved.id == job.id
    assert moved.next_run_time <= datetime.now(UTC)
    scheduler.shutdown(wait=False)


@pytest.mark.parametrize("fault", [ZeroDivisionError("by nothing"), scheduling.Stopping()])
def test_a_turn_that_fails_ends_quietly(house: House, tmp_path: Path, fault: Exception) -> None:
    def fail(_progress: Any) -> None:
        raise fault

    assert service_of(house, tmp_path)._safely(fail) is None


def test_long_work_stops_at_its_next_safe_place(house: House, tmp_path: Path) -> None:
    service = service_of(house, tmp_path)
    service._progress("reading", 1, 2)
    service.stop()
    with pytest.raises(scheduling.Stopping):
        service._progress("reading", 2, 2)
