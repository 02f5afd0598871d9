"""What is wanted, as ratios and limits, and whether a run has it.

Results are what `benchmarks.services` writes: `works` with figures of each server, and `figures` of this service alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.services.kernel_costs import RANKS, SIDES
from benchmarks.services.turns import OWN

Results = Mapping[str, Any]
LEAST_SHOWN = 0.01


@dataclass(frozen=True)
class Measured:
    text: str
    met: bool


@dataclass(frozen=True)
class Target:
    work: str
    wanted: str
    measure: Callable[[Results], Measured]
    """Raises KeyError where the results have not what it needs."""

    def judge(self, results: Results) -> Measured | None:
        """None where it was not measured."""
        try:
            return self.measure(results)
        except KeyError:
            return None


def beat(work: str, times: float, *peers: str) -> Target:
    """At least `times` the images a second of the best of the peers."""

    def measure(results: Results) -> Measured:
        servers = results["works"][work]["servers"]
        found = {name: servers[name]["images_per_s"] for name in peers if name in servers}
        if not found:
            raise KeyError(work)
        best = max(found, key=lambda name: found[name])
        return measure_ratio(servers[OWN]["images_per_s"] / found[best], times, f" of {show_name(best)}")

    names = ", ".join(show_name(peer) for peer in peers)
    return Target(work, f">= {times:g}x {'the best of ' if len(peers) > 1 else ''}{names}", measure)


def save_cpu(work: str, times: float, peer: str) -> Target:
    """The peer's CPU for an image is at least `times` ours."""

    def measure(results: Results) -> Measured:
        servers = results["works"][work]["servers"]
        return measure_ratio(servers[peer]["cpu_ms_per_image"] / servers[OWN]["cpu_ms_per_image"], times)

    return Target(work, f"{show_name(peer)} takes >= {times:g}x the CPU", measure)


def measure_ratio(ratio: float, times: float, of: str = "") -> Measured:
    return Measured(f"{ratio:.2f}x{of}", ratio >= times)


def show_name(server: str) -> str:
    return server.removesuffix("-formats").removesuffix("-predict")


def stay_small(work: str, peer: str, times: float) -> Target:
    """At most `times` the bytes of the peer's reply."""

    def measure(results: Results) -> Measured:
        servers = results["works"][work]["servers"]
        ratio = servers[OWN]["bytes"] / servers[peer]["bytes"]
        return Measured(f"{ratio:.3f}x", ratio <= times)

    return Target(work, f"<= {times:g}x {peer}'s bytes", measure)


def limit(work: str, wanted: str, most: float, *path: str, unit: str = "x") -> Target:
    """At most `most` of the figure found along `path`."""

    def measure(results: Results) -> Measured:
        value: Any = results["figures"]
        for name in path:
            value = value[name]
        return Measured(f"{value:g}{unit}", value <= most)

    return Target(work, wanted, measure)


def batch_digits(times: float) -> Target:
    """Digits a second in requests of 64 against requests of one."""

    def measure(results: Results) -> Measured:
        works = results["works"]
        many, one = (works[name]["servers"][OWN]["images_per_s"] for name in ("64 digits in one request", "one digit"))
        return measure_ratio(many / one, times)

    return Target("64 digits in one request", f">= {times:g}x the rate of one a request", measure)


def grow_as_side() -> Target:
    """From sigma 2 to 10 the cost may grow as the kernel's side does."""

    def measure(results: Results) -> Measured:
        growth = results["figures"]["blur growth"]
        small, large = growth["sigma 2"], growth["sigma 10"]
        cost, side = (large[key] / max(small[key], LEAST_SHOWN) for key in ("convserve", "side"))
        return Measured(f"cost {cost:.2f}x, side {side:.2f}x", cost <= side)

    return Target("blur sigma 2 to 10", "cost grows no faster than the side", measure)


def cost_at_most(kernel: str, times: float, other: str) -> Target:
    """At most `times` the CPU of another way to apply the kernel."""

    def measure(results: Results) -> Measured:
        costs = results["figures"]["kernels"][kernel]
        ratio = costs[OWN] / costs[other]
        return Measured(f"{ratio:.2f}x", ratio <= times)

    return Target(f"kernel {kernel}", f"<= {times:g}x the CPU of {other}", measure)


PLAIN = ("sharp", "pyvips", "pillow", "thumbor")
FORMATS = tuple(f"{name}-formats" for name in ("opencv", "pillow", "pyvips", "sharp"))
TARGETS = [
    beat("1920x1080 JPEG", 1.7, *PLAIN),
    beat("512x512 JPEG", 1.4, *PLAIN),
    beat("1920x1080 JPEG", 0.65, "opencv"),
    beat("512x512 JPEG", 0.6, "opencv"),
    save_cpu("1920x1080 JPEG", 1.7, "pillow"),
    save_cpu("512x512 JPEG", 1.5, "pillow"),
    *(beat(f"{size} PNG", 2.0, "opencv", *PLAIN) for size in ("1920x1080", "512x512")),
    *(stay_small(f"{size} PNG", "pillow", 1.15) for size in ("1920x1080", "512x512")),
    beat("12 MP JPEG", 1.0, "opencv"),
    beat("12 MP JPEG", 2.0, "sharp"),
    limit("12 MP JPEG", "peak over idle <= 12 bytes a pixel", 12, "memory", "one_bytes_a_pixel", unit=" bytes"),
    grow_as_side(),
    *(beat(f"blur sigma {sigma}", 1.0, "sharp-formats", "pyvips-formats") for sigma in (2, 5, 10)),
    # The same work, if the choice is right: a twentieth is within the noise.
    *(
        cost_at_most(f"{side}x{side} {rank}", 1.05, "one pass")
        for side in SIDES
        for rank in RANKS
        if "full" not in rank
    ),
    *(cost_at_most(f"{side}x{side} full rank", 2.0, "opencv") for side in SIDES),
    beat("1920x1080 WebP", 1.0, *FORMATS),
    beat("512x512 GIF", 1.0, *FORMATS),
    beat("512x512 16-bit PNG", 1.0, "opencv-formats", "pyvips-formats"),
    beat("one digit", 10.0, "keras-predict"),
    beat("one digit", 1.0, "onnxruntime"),
    batch_digits(8),
    limit("convserve --help", "< 0.5 s", 0.5, "start", "help_s", unit=" s"),
    limit(
        "ready after scripts/serve", "<= import of TensorFlow + 2 s", 2, "start", "ready_after_import_s", unit=" s more"
    ),
    limit("a warm worker", "<= 1.3x the RSS of an idle import", 1.3, "start", "worker_over_tensorflow"),
    limit(
        "10 uploads of 12 MP at once, one worker",
        "peak without the uploads <= 1.5x that of one",
        1.5,
        "memory",
        "ten_without_uploads_over_one",
    ),
    limit(
        "0.3, 2, 12, 24, 50 MP JPEG", "a pixel costs <= 1.3x what it costs at 2 MP", 1.3, "growth of a pixel", unit="x"
    ),
]
