"""The simulated service against formulas of queueing theory, which know nothing of it."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from app.settings import Settings
from benchmarks.load import Arrivals, Reply, Summary, offer, saturate
from benchmarks.scale import read_profile, read_sizes, read_validation
from benchmarks.simulation import Demand, SimulatedService, run_in_virtual_time
from benchmarks.sizing import load_instance, size_fleet

MEAN_S = 0.02
COUNT = 20_000
WITHIN = 0.10  # of the formula: the mean of 20,000 correlated waits spreads by about 4 % at 0.7 of capacity
NO_LIMITS = Settings(
    workers=1, max_waiting=10**6, max_waiting_large=10**6, max_wait_seconds=10**6, deadline_seconds=10**6
)


def simulate(demands: list[Demand], rate: float, settings: Settings, cores: int = 64, seed: int = 1) -> list[Reply]:
    async def run() -> list[Reply]:
        service = SimulatedService(settings, cores)
        await service.workers.start()
        arrivals = Arrivals.draw(rate, len(demands), [1.0], seed)
        iterator = iter(demands)
        replies = await offer(arrivals, lambda _: service.ask(next(iterator)))
        assert service.in_system == service.workers.busy == service.workers.waiting == 0
        return replies

    return run_in_virtual_time(run())


def draw_exponential(count: int = COUNT) -> list[Demand]:
    return [Demand(seconds) for seconds in np.random.default_rng(5).exponential(MEAN_S, count)]


def find_mean_s(replies: list[Reply]) -> float:
    assert {reply.status for reply in replies} == {200}
    return float(np.mean([reply.waited_s for reply in replies]))


def find_mean_wait_by_erlang(load: float, servers: int) -> float:
    """Mean time in an M/M/c system in units of the service time; `load` is of all servers (Erlang C)."""
    offered = load * servers
    tail = offered**servers / math.factorial(servers) / (1 - load)
    waits = tail / (sum(offered**k / math.factorial(k) for k in range(servers)) + tail)
    return 1 + waits / (servers * (1 - load))


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.7), (4, 0.8)])
def test_exponential_service_takes_as_long_as_erlang_says(servers: int, load: float) -> None:
    settings = NO_LIMITS.model_copy(update={"workers": servers})

    mean_s = find_mean_s(simulate(draw_exponential(), load * servers / MEAN_S, settings))

    assert mean_s == pytest.approx(MEAN_S * find_mean_wait_by_erlang(load, servers), rel=WITHIN)


@pytest.mark.slow
def test_constant_service_takes_as_long_as_pollaczek_and_khinchine_say() -> None:
    load = 0.7

    mean_s = find_mean_s(simulate([Demand(MEAN_S)] * COUNT, load / MEAN_S, NO_LIMITS))

    assert mean_s == pytest.approx(MEAN_S * (1 + load / (2 * (1 - load))), rel=WITHIN)


@pytest.mark.slow
def test_work_that_shares_a_core_takes_as_long_as_processor_sharing_says() -> None:
    # Whatever the distribution, and unlike a line: constant work takes as long as exponential work (M/G/1-PS).
    load = 0.7
    settings = NO_LIMITS.model_copy(update={"workers": 256})

    mean_s = find_mean_s(simulate([Demand(MEAN_S)] * COUNT, load / MEAN_S, settings, cores=1))

    assert mean_s == pytest.approx(MEAN_S / (1 - load), rel=WITHIN)


@pytest.mark.slow
def test_a_short_line_refuses_as_many_as_erlang_says() -> None:
    # M/M/1/K with one in work and three that wait.
    load, places = 1.5, 4
    settings = NO_LIMITS.model_copy(update={"max_waiting": places - 1})

    replies = simulate(draw_exponential(), load / MEAN_S, settings)

    refused = (1 - load) * load**places / (1 - load ** (places + 1))
    assert Summary.of(replies).refused_share == pytest.approx(refused, abs=0.01)
    assert {reply.status for reply in replies} == {200, 503}


def test_every_request_is_answered_refused_or_in_the_system() -> None:
    async def run() -> None:
        settings = NO_LIMITS.model_copy(update={"workers": 2, "max_waiting": 3, "max_wait_seconds": 0.03})
        service = SimulatedService(settings, cores=2)
        await service.workers.start()
        statuses: list[int] = []
        demands = draw_exponential(500)

        async def ask(number: int) -> int:
            statuses.append(await service.ask(demands[number]))
            assert len(statuses) + service.in_system <= len(arrivals.times_s)
            return statuses[-1]

        arrivals = Arrivals(np.linspace(0, 500 * MEAN_S / 3, 500).tolist(), list(range(500)))
        await offer(arrivals, ask)
        assert (len(statuses), service.in_system) == (500, 0)
        assert statuses.count(200) + statuses.count(503) == 500
        assert min(statuses.count(200), statuses.count(503)) > 50
        work_s = sum(demand.worker_s for demand in demands)
        assert 0 < service.cores.busy_s < work_s

    run_in_virtual_time(run())


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    settings = NO_LIMITS.model_copy(update={"max_waiting": 3})
    first, again, other = (simulate(draw_exponential(300), 45, settings, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert asdict(Summary.of(first)) == asdict(Summary.of(again)) != asdict(Summary.of(other))


def test_work_past_the_deadline_is_stopped_and_its_worker_replaced() -> None:
    settings = NO_LIMITS.model_copy(update={"deadline_seconds": 1})

    replies = simulate([Demand(30), Demand(0.5)], 1, settings)

    assert [reply.status for reply in replies] == [503, 200]
    assert replies[0].waited_s == pytest.approx(1)
    assert replies[1].ended_s == pytest.approx(replies[0].ended_s + 4 + 0.5)  # another worker has started by then


def test_a_large_upload_leaves_a_worker_to_small_ones_that_wait() -> None:
    async def run() -> list[Reply]:
        service = SimulatedService(NO_LIMITS.model_copy(update={"workers": 2}), cores=2)
        await service.workers.start()
        demands = [Demand(1, large=True)] * 6 + [Demand(0.1)] * 3
        arrivals = Arrivals([0.0] * 6 + [0.5] * 3, list(range(9)))
        return await offer(arrivals, lambda number: service.ask(demands[number]))

    replies = run_in_virtual_time(run())

    # Both workers are at large ones until 1 s, who have had 2 s by then; so both take the small ones first.
    assert [reply.ended_s for reply in replies[6:]] == pytest.approx([1.1, 1.1, 1.2])


def test_the_front_does_one_request_after_another() -> None:
    async def run() -> float:
        service = SimulatedService(NO_LIMITS.model_copy(update={"workers": 8}), cores=8)
        await service.workers.start()
        return await saturate(20, 100, [1.0], 1, lambda _: service.ask(Demand(0.03, front_s=0.01)))

    # Eight workers could do 267 a second; a front of 10 ms a request does 100.
    assert run_in_virtual_time(run()) == pytest.approx(100, rel=0.01)


def test_the_sizes_in_the_docs_are_what_the_simulation_gives() -> None:
    profile, sizes = read_profile(), read_sizes()
    smallest = sizes.sizes[0]

    again = load_instance(profile, smallest.cores, smallest.rate)

    assert asdict(again) == pytest.approx(asdict(smallest.summary), rel=1e-6)
    assert (sizes.machine, sizes.measured) == (profile.machine, profile.measured)
    validation = read_validation()
    assert (validation.machine, validation.measured) == (profile.machine, profile.measured)


def test_a_fleet_carries_its_load_without_one_zone() -> None:
    profile, sizes = read_profile(), read_sizes().sizes

    fleet = size_fleet(profile, sizes, 100_000)
    best = max(sizes, key=lambda size: size.rate / size.cores)

    assert fleet.instances * best.rate * 2 / 3 >= 100_000 > (fleet.instances - 3) * best.rate * 2 / 3
    assert fleet.cores == fleet.instances * best.cores <= 64 * fleet.machines
    assert fleet.gbit_in == pytest.approx(100_000 * 8e-9 * profile.average("upload_bytes"))
