"""One work, all servers: every reply checked first, then load in turns, over several rounds."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from benchmarks.services.load import Turn, put_under_load
from benchmarks.services.machine import wait_until_idle
from benchmarks.services.replies import WrongReplyError, check_reply, compare_digits
from benchmarks.services.servers import Running, Server, ask
from benchmarks.services.works import DigitWork, ImageWork, Work

OWN = "convserve"


def run_work(
    work: Work,
    servers: Mapping[str, Server],
    running: Mapping[str, Running],
    photo: Image.Image,
    *,
    rounds: int,
    seconds: int,
) -> dict[str, Any]:
    """`servers`: figures of each, the medians over the rounds. `left_out`: why the others have none.

    Raises WrongReplyError or RuntimeError where it is convserve that is wrong.
    """
    files = work.make_files() if isinstance(work, DigitWork) else make_image_files(work, photo)
    requests, sizes, left_out = {}, {}, {}
    own_reply = b""
    for name in (OWN, *work.servers):
        try:
            check_blur_in_png(work, servers[name], running[name], photo)
            request = servers[name].build_request(running[name], work, files)
            reply = ask(running[name], request)
            check_reply(name, work, files, reply)
            if name == OWN:
                own_reply = reply
            elif isinstance(work, DigitWork):
                compare_digits(own_reply, reply)
        except (WrongReplyError, RuntimeError) as error:
            if name == OWN:
                raise
            left_out[name] = str(error)
        else:
            requests[name], sizes[name] = request, len(reply)

    turns: dict[str, list[Turn]] = {name: [] for name in requests}
    with tempfile.TemporaryDirectory() as folder:

        def take_turn(name: str, seconds: int) -> Turn:
            wait_until_idle()
            load = {"connections": work.connections, "images_a_request": len(files)}
            return put_under_load(running[name], requests[name], Path(folder), seconds=seconds, **load)

        for name in requests:
            take_turn(name, 1)  # warms up, and is not counted
        for _ in range(rounds):
            for name in requests:
                turns[name].append(take_turn(name, seconds))
    return {
        "connections": work.connections,
        "rounds": rounds,
        "seconds": seconds,
        "servers": {name: summarize(turns[name]) | {"bytes": sizes[name]} for name in requests},
        "left_out": left_out,
    }


def make_image_files(work: Work, photo: Image.Image) -> list[bytes]:
    assert isinstance(work, ImageWork)
    return [work.make_file(photo)]


def check_blur_in_png(work: Work, server: Server, running: Running, photo: Image.Image) -> None:
    """A blur is timed as JPEG, like the rest, which hides a level; so its accuracy is looked at in a PNG."""
    if isinstance(work, ImageWork) and work.sigma:
        exact = ImageWork(work.name, work.servers, size=work.size, format="png", sigma=work.sigma)
        file = exact.make_file(photo)
        check_reply(server.name, exact, [file], ask(running, server.build_request(running, exact, [file])))


def summarize(turns: list[Turn]) -> dict[str, float]:
    """The median of each figure; of the memory the highest."""
    values = {field.name: [float(asdict(turn)[field.name]) for turn in turns] for field in fields(Turn)}
    return {name: round(max(found) if name == "peak_mb" else median(found), 2) for name, found in values.items()}
