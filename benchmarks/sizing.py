"""How much instances of several sizes carry, by simulation, and how many of them a load takes."""

import math
from functools import partial

from pydantic import BaseModel

from benchmarks.load import Arrivals, Summary, offer
from benchmarks.measurement import Profile
from benchmarks.validation import SEED, simulate

CORES = (1, 2, 4, 8, 12, 16)
P99_MS = 1000
REFUSED_SHARE = 0.001
REQUESTS = 6_000  # for each try
PRECISION = 0.02  # of the rate that is found
TARGETS = (1_000, 100_000, 1_000_000)  # requests a second
ZONES = 3  # places that fail on their own; the others must carry the load
MACHINE_CORES = 64


class Size(BaseModel):
    """An instance with a worker for each core, and the highest rate at which it keeps P99_MS and REFUSED_SHARE."""

    cores: int
    rate: float
    summary: Summary
    front_busy: float
    """Share of the time in which the process that talks HTTP computes: 1 is all that one instance can do."""


class Sizes(BaseModel):
    machine: str
    measured: str
    sizes: list[Size]


def load_instance(profile: Profile, cores: int, rate: float) -> Summary:
    arrivals = Arrivals.draw(rate, REQUESTS, profile.shares, SEED)
    return Summary.of(simulate(profile, cores, cores, partial(offer, arrivals), client=False))


def find_size(profile: Profile, cores: int) -> Size:
    """By halving between nothing and what the cores would do if nobody ever waited."""
    low, high = 0.0, cores / (profile.average("worker_s") * profile.busy_slowdown + profile.average("front_s"))
    high = min(high, 1 / profile.average("front_s"))
    found = None
    while high - low > PRECISION * high:
        rate = (low + high) / 2
        summary = load_instance(profile, cores, rate)
        if summary.p99_ms <= P99_MS and summary.refused_share <= REFUSED_SHARE:
            low, found = rate, (rate, summary)
        else:
            high = rate
    if found is None:
        raise ValueError(f"{cores} cores keep p99 under {P99_MS} ms at no rate")
    return Size(cores=cores, rate=found[0], summary=found[1], front_busy=found[0] * profile.average("front_s"))


def find_sizes(profile: Profile) -> Sizes:
    return Sizes(
        machine=profile.machine, measured=profile.measured, sizes=[find_size(profile, cores) for cores in CORES]
    )


class Fleet(BaseModel):
    """What a rate takes, with all ZONES but one carrying it."""

    rate: int
    instances: int
    cores: int
    machines: int
    memory_gb: int
    gbit_in: float
    gbit_out: float
    gbit_a_machine: float
    """Both ways together, when every zone is up."""


def size_fleet(profile: Profile, sizes: list[Size], rate: int, cached: float = 0.0) -> Fleet:
    """Of the size that carries most a core; `cached` is the share of the requests that never comes to an instance."""
    best = max(sizes, key=lambda size: size.rate / size.cores)
    worked = rate * (1 - cached)
    a_zone = math.ceil(worked / best.rate / (ZONES - 1))
    instances = a_zone * ZONES
    cores = instances * best.cores
    machines = ZONES * math.ceil(a_zone * best.cores / MACHINE_CORES)
    gbit_in, gbit_out = (8e-9 * worked * profile.average(name) for name in ("upload_bytes", "reply_bytes"))
    return Fleet(
        rate=rate,
        instances=instances,
        cores=cores,
        machines=machines,
        memory_gb=math.ceil(instances * (profile.front_mb + best.cores * profile.worker_mb) / 1000),
        gbit_in=gbit_in,
        gbit_out=gbit_out,
        gbit_a_machine=(gbit_in + gbit_out) / machines,
    )
