"""The timeouts of a connection, without sockets and without waiting."""

import pytest

from app.server.client_timer import ClientTimer, ConnectionStage, Timeouts
from app.settings import Settings

SETTINGS = Settings(header_seconds=10, stall_seconds=15, keep_alive_seconds=75, min_bytes_per_second=500)
TICK_S = 0.25


def make_timer() -> ClientTimer:
    return ClientTimer(Timeouts.from_settings(SETTINGS))


def run_until_timeout(timer: ClientTimer, stage: ConnectionStage, limit_s: float, bytes_per_second: float = 0) -> float:
    """Seconds until the timer reports a timeout, or `limit_s`."""
    moved = round(TICK_S * bytes_per_second)
    elapsed_s = 0.0
    while elapsed_s < limit_s:
        elapsed_s += TICK_S
        if timer.check(stage, TICK_S, moved, moved):
            return elapsed_s
    return limit_s


@pytest.mark.parametrize(
    ("stage", "seconds"),
    [
        (ConnectionStage.SILENT, 10),
        (ConnectionStage.HEAD, 10),
        (ConnectionStage.BODY, 15),
        (ConnectionStage.REPLY, 15),
        (ConnectionStage.IDLE, 75),
    ],
)
def test_a_stalled_client_times_out_after_the_seconds_of_its_stage(stage: ConnectionStage, seconds: float) -> None:
    assert run_until_timeout(make_timer(), stage, 1000) == seconds + TICK_S


def test_the_service_itself_has_no_timeout() -> None:
    assert run_until_timeout(make_timer(), ConnectionStage.WORK, 10_000) == 10_000


@pytest.mark.parametrize("stage", [ConnectionStage.BODY, ConnectionStage.REPLY])
def test_a_transfer_above_the_minimum_rate_never_times_out(stage: ConnectionStage) -> None:
    assert run_until_timeout(make_timer(), stage, 10_000, bytes_per_second=500) == 10_000


@pytest.mark.parametrize("stage", [ConnectionStage.BODY, ConnectionStage.REPLY])
def test_a_transfer_at_half_the_minimum_rate_times_out_after_twice_the_seconds(stage: ConnectionStage) -> None:
    assert run_until_timeout(make_timer(), stage, 1000, bytes_per_second=252) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize("stage", [ConnectionStage.HEAD, ConnectionStage.IDLE])
def test_bytes_do_not_extend_the_time_for_a_head(stage: ConnectionStage) -> None:
    expected = SETTINGS.header_seconds if stage is ConnectionStage.HEAD else SETTINGS.keep_alive_seconds
    assert run_until_timeout(make_timer(), stage, 1000, bytes_per_second=100_000) == expected + TICK_S


def test_received_bytes_do_not_pay_for_unread_responses_and_sent_bytes_not_for_bodies() -> None:
    reading, sending = make_timer(), make_timer()
    for _ in range(60):
        assert not reading.check(ConnectionStage.REPLY, TICK_S, 10_000, 0)
        assert not sending.check(ConnectionStage.BODY, TICK_S, 0, 10_000)
    assert reading.check(ConnectionStage.REPLY, TICK_S, 10_000, 0)
    assert sending.check(ConnectionStage.BODY, TICK_S, 0, 10_000)


def test_a_fast_start_does_not_extend_the_time() -> None:
    timer = make_timer()
    assert not timer.check(ConnectionStage.BODY, TICK_S, 50_000_000, 0)
    assert run_until_timeout(timer, ConnectionStage.BODY, 1000) == 15 + TICK_S


def test_a_pause_is_forgiven_when_the_client_catches_up() -> None:
    timer = make_timer()
    assert not timer.check(ConnectionStage.BODY, 14, 0, 0)
    assert timer.lag_s == 14
    assert not timer.check(ConnectionStage.BODY, 1, 7500, 0)
    assert timer.lag_s == 0


def test_the_lag_restarts_with_each_stage_and_each_request() -> None:
    timer = make_timer()
    assert not timer.check(ConnectionStage.HEAD, 9, 0, 0)
    assert not timer.check(ConnectionStage.BODY, 9, 0, 0)
    assert timer.lag_s == 9
    timer.restart()
    assert not timer.check(ConnectionStage.BODY, 14, 0, 0)


@pytest.mark.parametrize("stage", [stage for stage in ConnectionStage if stage is not ConnectionStage.WORK])
def test_the_message_gives_the_limit_and_its_setting(stage: ConnectionStage) -> None:
    timeouts = Timeouts.from_settings(SETTINGS)
    message = timeouts.describe(stage)
    assert f"{timeouts.seconds[stage]:g} s (CONVSERVE_" in message
    rate = "500 bytes per second (CONVSERVE_MIN_BYTES_PER_SECOND)"
    assert (rate in message) == (stage in (ConnectionStage.BODY, ConnectionStage.REPLY))
