"""`convserve bench` against a running service, and against one that fails."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from tests.support.service import run_service


class FixedService(BaseHTTPRequestHandler):
    """Answers each upload after 20 ms; every third with 503."""

    count = 0
    lock = threading.Lock()
    rejects = True

    def do_GET(self) -> None:
        self.respond(200, b'{"workers": 2}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            FixedService.count += 1
            is_rejected = self.rejects and FixedService.count % 3 == 0
        threading.Event().wait(0.02)
        self.respond(503 if is_rejected else 200, b"{}")

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def fixed_service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FixedService) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_rates_and_waits_are_those_of_the_service(fixed_service: str) -> None:
    done = CliRunner().invoke(app, ["bench", fixed_service, "--seconds", "0.5", "--connections", "3", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert report["clients"] == 3
    assert len(report["workloads"]) == 4
    for one in report["workloads"]:
        assert 20 <= one["p50_ms"] <= one["p99_ms"]
        assert one["images_per_second"] <= 3 / 0.02
        assert one["rejected"] == pytest.approx(one["images"] / 2, rel=0.2, abs=3)


def test_a_service_that_does_not_answer_is_named() -> None:
    done = CliRunner().invoke(app, ["bench", "http://127.0.0.1:9"])
    assert (done.exit_code, "http://127.0.0.1:9 cannot be measured" in done.output) == (1, True)


@pytest.mark.slow
def test_a_running_service_is_measured() -> None:
    with run_service(workers=1, tokens="0123456789abcdef") as service:
        without_token = CliRunner().invoke(app, ["bench", service.url, "--seconds", "0.2"])
        assert (without_token.exit_code, "401" in without_token.output) == (1, True)
        done = CliRunner().invoke(app, ["bench", service.url, "--seconds", "1", "--token", "0123456789abcdef"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "2 clients, 1 s each"
    assert [line.rsplit(maxsplit=3)[0] for line in lines[3:]] == [
        "sharpen 256x256 JPEG", "sharpen 1024x768 JPEG", "sharpen 4000x3000 JPEG", "classify a digit",
    ]  # fmt: skip
