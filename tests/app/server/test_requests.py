"""Requests as clients send them: an offered upgrade, garbage after a request, a bug of the app in between."""

import http.client
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from app.settings import Settings
from tests.support.paths import DATA
from tests.support.slow_clients import POST, read_all, read_answers
from tests.support.toy_service import serve

JAVA_CLIENT = """
import java.net.URI;
import java.net.http.*;

class Upload {
    public static void main(String[] args) throws Exception {
        var client = HttpClient.newHttpClient();  // HTTP/2 if possible: offers h2c
        for (int size : new int[] {3, 100000}) {
            var body = HttpRequest.BodyPublishers.ofByteArray(new byte[size]);
            var request = HttpRequest.newBuilder(URI.create(args[0])).POST(body).build();
            System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
        }
    }
}
"""
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
GARBAGE = b"garbage\r\n\r\n"


def exchange(request: bytes, *, size: int | None = None) -> bytes:
    """Everything that the service sends until it closes. With `size`, the request is sent in pieces of this size."""
    size = size or len(request)
    with serve("convserve", Settings()) as (port, _), socket.create_connection(("127.0.0.1", port), 20) as client:
        for start in range(0, len(request), size):
            client.sendall(request[start : start + size])
        return read_all(client)


def split_bodies(answers: bytes) -> list[bytes]:
    return [answer.partition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 200 OK")[1:]]


@pytest.mark.parametrize("size", [None, 1], ids=["at once", "in single bytes"])
@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 5\r\n\r\nabcde", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"],
    ids=["length", "chunks"],
)
def test_an_offered_upgrade_is_ignored(body: bytes, size: int | None) -> None:
    """The body is read, and so is the next request on the connection."""
    last = b"POST /length HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nxy"
    answers = exchange(POST + UPGRADE + body + POST + UPGRADE + body + last, size=size)
    assert split_bodies(answers) == [b"5", b"5", b"2"]


def test_an_upgrade_does_not_hide_the_other_headers() -> None:
    answer = exchange(POST + b"Connection: close, Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx")
    assert split_bodies(answer) == [b"1"]
    assert b"connection: close\r\n" in answer
    with serve("convserve", Settings()) as (port, _), socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(POST + UPGRADE + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        read_answers(client, b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"abc")
        read_answers(client, b"\r\n\r\n3")


def test_the_head_of_an_upgrade_is_limited() -> None:
    assert exchange(POST + UPGRADE + b"X: " + b"x" * 40_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("target", [b"localhost:80", b"/length"])
def test_a_tunnel_is_refused(target: bytes) -> None:
    answer = exchange(b"CONNECT %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
    assert b"CONNECT" in answer
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_curl_sends_its_body_with_an_upgrade(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if not curl or "HTTP2" not in subprocess.check_output([curl, "--version"], text=True):
        pytest.skip("there is no curl with HTTP/2")
    Path(tmp_path, "body").write_bytes(bytes(5000))
    with serve("convserve", Settings()) as (port, _):
        url = f"http://127.0.0.1:{port}/length"
        command = [curl, "-sS", "--http2", "--data-binary", f"@{tmp_path}/body", url, url]
        assert subprocess.check_output(command, timeout=60) == b"50005000"


@pytest.mark.slow
def test_java_sends_its_body_with_an_upgrade(tmp_path: Path) -> None:
    java = shutil.which("java")
    if not java or "jdk.compiler" not in subprocess.check_output([java, "--list-modules"], text=True):
        pytest.skip("there is no JDK")
    Path(tmp_path, "Upload.java").write_text(JAVA_CLIENT)
    with serve("convserve", Settings()) as (port, _):
        command = [java, f"{tmp_path}/Upload.java", f"http://127.0.0.1:{port}/length"]
        assert subprocess.check_output(command, timeout=120, text=True).split() == ["3", "100000"]


@pytest.mark.parametrize("size", [None, 7], ids=["at once", "in pieces"])
def test_a_request_before_garbage_is_answered(size: int | None) -> None:
    request = POST.replace(b"/length", b"/length?seconds=0.3") + b"Content-Length: 3\r\n\r\nabc"
    answer = exchange(request + GARBAGE, size=size)
    assert split_bodies(answer) == [b"3"]
    assert b"connection: close\r\n" in answer


def test_all_pipelined_requests_before_garbage_are_answered() -> None:
    requests = [POST + b"Content-Length: %d\r\n\r\n" % length + bytes(length) for length in (1, 22, 333)]
    assert split_bodies(exchange(b"".join(requests) + GARBAGE + bytes(1_000_000))) == [b"1", b"22", b"333"]


@pytest.mark.parametrize("bad", [b"GET http://[ HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 400_000])
def test_a_request_before_a_bad_head_is_answered(bad: bytes) -> None:
    request = POST.replace(b"/length", b"/length?seconds=0.3") + b"Content-Length: 3\r\n\r\nabc"
    assert split_bodies(exchange(request + bad)) == [b"3"]


def test_garbage_after_a_response_is_a_problem() -> None:
    with serve("convserve", Settings()) as (port, _), socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(POST + b"Content-Length: 3\r\n\r\nabc")
        read_answers(client, b"\r\n\r\n3")
        client.sendall(GARBAGE)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/problems#malformed-request"


def test_garbage_in_a_body_is_a_problem() -> None:
    answer = exchange(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_the_connection_stays_usable_after_a_500() -> None:
    """Starlette raises the exception again when it has responded. Stock uvicorn then closes without saying so."""
    with serve("convserve", Settings()) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.connect()
        used = connection.sock
        for path, status in (("/fail", 500), ("/length", 200), ("/fail", 500), ("/length", 200)):
            connection.request("POST", path, b"abc")
            reply = connection.getresponse()
            reply.read()
            assert reply.status == status
            assert connection.sock is used, "the client connected again"
        connection.close()


@pytest.mark.parametrize("name", ["h2c_upgrade.http", "good_then_garbage.http"])
def test_recorded_requests_reach_the_app(name: str) -> None:
    """Both hold a PNG of 77 bytes."""
    recorded = (DATA / name).read_bytes().replace(b"/filter/emboss?format=png", b"/length")
    request = recorded.replace(b"Host: localhost", b"Host: localhost\r\nConnection: close", 1)
    assert split_bodies(exchange(request)) == [b"77"]
