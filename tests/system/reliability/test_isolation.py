"""Clients are isolated: no image leaks into another response or onto the disk, and no metadata is passed on."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.support.images import draw_blobs, draw_noise, encode, open_image
from tests.support.service import RunningService
from tests.support.traffic import Ask, Traffic

SECRET = b"this-text-is-nobody-elses-business"
SCRIPT = b"<script>alert(1)</script><?php system('id'); ?>"
CLIENTS = 16
REQUESTS = 80
WRITES = re.compile(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)", [^)]*O_(?:WRONLY|RDWR|CREAT)')

pytestmark = pytest.mark.slow


def test_responses_under_concurrency_equal_those_of_single_requests(http: httpx2.Client) -> None:
    """All images differ, some are hostile. Byte by byte."""
    traffic = Traffic(seed=7, max_side_px=120, hostile_share=0.1)
    requests = [traffic.make(number) for number in range(REQUESTS)]
    alone = [ask(http, request) for request in requests]
    with ThreadPoolExecutor(CLIENTS) as clients:
        together = list(clients.map(lambda request: ask(http, request), requests * 2))
    for number, reply in enumerate(together):
        assert reply == alone[number % REQUESTS], requests[number % REQUESTS]
    assert len({reply[1] for reply in alone if reply[0] == 200}) > 0.7 * REQUESTS, "too many responses are equal"


def ask(http: httpx2.Client, request: Ask) -> tuple[int, bytes]:
    """Status and body. Problems lose their request id."""
    reply = http.post(request.path, content=request.body, headers={"Content-Type": request.media_type})
    if reply.status_code == 200:
        return 200, reply.content
    return reply.status_code, json.dumps(reply.json() | {"request_id": ""}).encode()


def write_polyglots() -> dict[str, bytes]:
    """Images with GPS data, comments, scripts and an archive, in the metadata and after the end of the file."""
    image = Image.fromarray(draw_blobs(40, 60))
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})  # GPS position
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", (SECRET + SCRIPT).decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode(), zip=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("secret.txt", SECRET)
    xmp = b"<x:xmpmeta>" + SECRET + SCRIPT + b"</x:xmpmeta>"
    riders: dict[str, dict[str, Any]] = {
        "jpeg": {"exif": exif, "comment": SECRET + SCRIPT, "xmp": xmp},
        "png": {"exif": exif, "pnginfo": texts},
        "webp": {"exif": exif, "xmp": xmp},
        "avif": {"exif": exif, "xmp": xmp},
        "tiff": {"exif": exif, "description": SECRET.decode()},
        "gif": {"comment": SECRET + SCRIPT},
        "bmp": {},
    }
    return {
        name: encode(image, name.upper(), **options) + bytes(100_000) + SCRIPT + archive.getvalue()
        for name, options in riders.items()
    }


POLYGLOTS = write_polyglots()


@pytest.mark.parametrize("name", POLYGLOTS)
def test_responses_hold_no_metadata_of_the_upload(http: httpx2.Client, name: str) -> None:
    file = POLYGLOTS[name]
    assert SCRIPT in file
    assert zipfile.is_zipfile(io.BytesIO(file))
    for route in (
        "/filter/identity",
        f"/filter/edge?format={name}",
        "/filter/blur?format=png",
        "/gallery?kernels=edge",
    ):
        reply = http.post(route, files={"file": (f"{name}.jpg", file)})
        assert reply.status_code == 200, (route, reply.text)
        for rider in (SECRET, b"<script", b"<?php", b"PK\3\4", b"xmpmeta", b"secret.txt"):
            assert rider not in reply.content, (route, rider)
        assert not zipfile.is_zipfile(io.BytesIO(reply.content))
        with open_image(reply.content) as image:
            assert image.format == reply.headers["content-type"].removeprefix("image/").upper()
            assert not image.getexif().get_ifd(0x8825)
            assert 0x010E not in image.getexif()
            assert SECRET.decode() not in repr(image.info)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"


def test_a_large_upload_is_stored_in_an_unlinked_file(service: RunningService) -> None:
    """So that even a killed process leaves no file."""
    image = encode(draw_noise(1000, 1000), "BMP")
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bmp"\r\n\r\n'
    body = head + image + b"\r\n--x--\r\n"
    request = (
        "POST /filter/blur HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(request.encode() + body[:-1000])
        end = time.monotonic() + 30
        while not (kept := list_kept_files(service)) and time.monotonic() < end:
            time.sleep(0.05)
        assert len(kept) == 1
        assert kept[0].endswith("(deleted)")
        assert os.listdir(service.temporary_folder) == []
        connection.sendall(body[-1000:])
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")
    assert list_kept_files(service) == []
    assert os.listdir(service.temporary_folder) == []


def list_kept_files(service: RunningService) -> list[str]:
    """Open files of all processes in the temporary folder."""
    found = []
    for process in service.list_processes():
        for handle in Path(f"/proc/{process}/fd").iterdir():
            try:
                target = os.readlink(handle)
            except FileNotFoundError:
                continue
            if target.startswith(str(service.temporary_folder)):
                found.append(target)
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_file_is_written_and_no_program_started(
    service: RunningService, http: httpx2.Client, tmp_path: Path
) -> None:
    """By any process of the service, according to its system calls."""
    images = [*POLYGLOTS.values(), encode(draw_noise(700, 700), "BMP"), b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b""]
    with watch_system_calls(service, tmp_path / "calls") as calls:
        for image in images:
            for route in ("/filter/edge", "/classify", "/read", "/gallery?kernels=edge"):
                assert http.post(route, files={"file": ("a.png", image)}).status_code < 500
    text = calls.read_text()
    assert text.count("sendto(") + text.count("sendmsg(") > len(images), "strace saw nothing"
    written = {path for path in WRITES.findall(text) if not path.startswith(str(service.temporary_folder))}
    assert written <= {"/dev/null"}
    assert "execve(" not in text


@contextmanager
def watch_system_calls(service: RunningService, calls: Path) -> Iterator[Path]:
    processes = [option for process in service.list_processes() for option in ("-p", str(process))]
    traced = "openat,open,creat,execve,mkdir,mkdirat,rename,link,symlink,sendto,sendmsg"
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(calls), "-e", f"trace={traced}", *processes], stderr=subprocess.PIPE
    )
    time.sleep(1)
    if strace.poll() is not None:
        assert strace.stderr is not None
        pytest.skip(f"strace may not watch other processes here: {strace.stderr.read().decode()[:200]}")
    try:
        yield calls
    finally:
        strace.terminate()
        strace.wait(30)
        if strace.stderr:
            strace.stderr.close()


def test_an_image_is_never_in_the_response_to_another_client(http: httpx2.Client) -> None:
    """Each client sends an image of its own grey value again and again, and must get the same value back."""

    def send_repeatedly(grey: int) -> set[int]:
        image = encode(np.full((30, 40), grey, np.uint8), "PNG")
        replies = [http.post("/filter/identity", files={"file": ("a.png", image)}) for _ in range(10)]
        return {value for reply in replies for value in np.unique(np.asarray(open_image(reply.content))).tolist()}

    greys = range(10, 250, 12)
    with ThreadPoolExecutor(CLIENTS) as clients:
        assert list(clients.map(send_repeatedly, greys)) == [{grey} for grey in greys]
