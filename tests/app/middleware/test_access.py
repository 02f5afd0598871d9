"""Access control: tokens, rate limits, hosts and origins, and the secrecy of tokens."""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from app.cli.commands import app as command
from app.errors import RateLimitError, UnknownHostError
from app.main import create_app
from app.middleware.auth import check_host
from app.middleware.rate_limit import MAX_CLIENTS, ClientRates, name_client
from app.middleware.tokens import TokenError, Tokens
from app.settings import AccessSettings, Settings
from tests.support.images import draw_noise, encode
from tests.support.tasks import READ_ENVIRONMENT, Nothing, make_pool

IMAGE = encode(draw_noise(20, 30))
RAW = {"Content-Type": "image/png"}
FIRST, SECOND = "first-token-0123456789", "second/token+0123456789="
GUARDED = [
    "/size?input=5&kernel=3",
    "/kernels",
    "/kernels/blur",
    "/model",
    "/samples/house.png",
    "/metrics",
    "/nowhere",
]
OPEN = ["/", "/livez", "/readyz", "/docs", "/openapi.json", "/problems", "/static/js/main.js", "/favicon.ico"]
OPEN += ["/docs/assets/swagger-ui.css", "/v2/health/live", "/v2/health/ready"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def serve(**access: Any) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(workers=1), AccessSettings(**access))) as client:
        yield client


def call_without_workers(**access: Any) -> TestClient:
    """For requests without images: no worker is started."""
    return TestClient(create_app(Settings(workers=1), AccessSettings(**access)))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One token from the environment, one from a file."""
    file = tmp_path_factory.mktemp("access") / "tokens"
    file.write_text(SECOND)
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("CONVSERVE_TOKENS", FIRST)
            environment.setenv("CONVSERVE_TOKENS_FILE", str(file))
            environment.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret-0123456789")
            environment.setenv("UNRELATED", "stays")
            settings = Settings(workers=1)
            client = stack.enter_context(TestClient(create_app(settings, pool=make_pool(settings))))
        yield client


# -- tokens


@pytest.mark.parametrize("path", GUARDED)
def test_a_request_without_a_token_is_rejected(guarded: TestClient, path: str) -> None:
    reply = guarded.get(path)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="convserve"'
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["type"] == "/problems#unauthorized"
    assert reply.json()["request_id"] == reply.headers["X-Request-ID"]


@pytest.mark.parametrize("path", OPEN)
def test_public_paths_need_no_token(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize("token", [FIRST, SECOND])
def test_each_of_several_tokens_is_accepted(guarded: TestClient, token: str) -> None:
    reply = guarded.post("/filter/blur", content=IMAGE, headers=RAW | bearer(token))
    assert reply.status_code == 200
    assert guarded.get("/metrics", headers={"authorization": f"bearer  {token}"}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer", "Bearer ", f"Basic {FIRST}", FIRST, f"Bearer {FIRST}x", f"Bearer {FIRST[:-1]}",
        f"Bearer {FIRST.upper()}", f"Bearer {FIRST}, {SECOND}", "Bearer wrong-token-0123456789", "Bearer \xff\xfe",
    ],
)  # fmt: skip
def test_other_credentials_are_rejected(guarded: TestClient, sent: str) -> None:
    reply = guarded.get("/kernels", headers=[(b"Authorization", sent.encode("latin-1"))])
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith('Bearer realm="convserve"')
    assert ("invalid_token" in reply.headers["WWW-Authenticate"]) == bool(re.match(r"Bearer \S", sent))
    assert "0123456789" not in reply.text + str(reply.headers)


def test_the_token_is_checked_before_the_body(guarded: TestClient) -> None:
    """With a token, the same request is too large."""
    head = RAW | {"Content-Length": "99999999999"}
    assert guarded.post("/filter/blur", content=iter([b"x"]), headers=head).status_code == 401
    assert guarded.post("/filter/blur", content=iter([b"x"]), headers=head | bearer(FIRST)).status_code == 413


def test_tokens_are_in_no_output(guarded: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Not in logs, metrics, problems or the OpenAPI document, nor in the settings that workers get."""
    with caplog.at_level(logging.DEBUG):
        for token in (FIRST, "wrong-token-0123456789"):
            guarded.post(f"/filter/blur?token={token}", content=IMAGE, headers=RAW | bearer(token))
            guarded.get("/nowhere", headers=bearer(token))
    metrics = guarded.get("/metrics", headers=bearer(FIRST)).text
    assert 'convserve_problems_total{problem="unauthorized"}' in metrics
    logged = "".join(str(vars(line)) for line in caplog.records if line.name.startswith("app"))
    assert "/filter/{kernel}" in logged
    told = metrics + logged + guarded.get("/openapi.json").text
    service = guarded.app.state.service  # type: ignore[attr-defined]
    told += repr(service.access) + service.settings.model_dump_json() + repr(service.pool.static)
    for token in (FIRST, SECOND):
        assert token not in told


def test_worker_processes_do_not_get_the_tokens(guarded: TestClient) -> None:
    pool = guarded.app.state.service.pool  # type: ignore[attr-defined]
    assert guarded.portal is not None
    environment = guarded.portal.call(pool.run, READ_ENVIRONMENT, Nothing()).result
    started_with = Path(f"/proc/{pool.pids[0]}/environ").read_text()
    assert environment["UNRELATED"] == "stays"
    for told in (str(environment), started_with):
        assert "0123456789" not in told
        assert "CONVSERVE_TOKENS" not in told


def test_a_changed_token_file_is_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# for the shop\n{FIRST}\n\n")
    monkeypatch.setattr("app.middleware.tokens.RELOAD_SECONDS", 0)
    client = call_without_workers(tokens_file=file)

    def ask(token: str) -> int:
        return client.get("/kernels", headers=bearer(token)).status_code

    assert (ask(FIRST), ask(SECOND)) == (200, 401)
    file.write_text(f"{SECOND}\n")
    assert (ask(FIRST), ask(SECOND)) == (401, 200)
    for spoilt in ("# none\n", "short", None):
        if spoilt is None:
            file.unlink()
        else:
            file.write_text(spoilt)
        assert (ask(FIRST), ask(SECOND), ask("")) == (401, 200, 401)  # a damaged file never opens the service
    file.write_text(f"{FIRST}\n{SECOND}\n")
    assert (ask(FIRST), ask(SECOND)) == (200, 200)


@pytest.mark.parametrize(
    ("access", "says"),
    [
        ({"tokens": "secret-1"}, r"Token 1 in CONVSERVE_TOKENS is invalid: it needs at least 16"),
        ({"tokens": f"{FIRST} secret-2-with-a-ü-in-it"}, r"Token 2 in CONVSERVE_TOKENS"),
        ({"tokens_file": "/nowhere/tokens"}, r"/nowhere/tokens cannot be read: No such file"),
        ({"tokens_file": os.devnull}, r"/dev/null has no token"),
    ],
)
def test_invalid_tokens_stop_the_start_and_are_not_shown(access: dict[str, str], says: str) -> None:
    with pytest.raises(TokenError, match=says) as caught:
        create_app(Settings(workers=1), AccessSettings.model_validate(access))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TOKENS", "secret-1", "Token 1 in CONVSERVE_TOKENS is invalid"),
        (
            "RATE_LIMIT",
            "often",
            "CONVSERVE_RATE_LIMIT is 'often': write a number of requests per time, such as 20/second",
        ),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "CONVSERVE_TRUSTED_PROXIES is '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        ("TOKEN", "x", "There is no setting CONVSERVE_TOKEN; did you mean CONVSERVE_TOKENS"),
    ],
)
def test_bad_settings_stop_the_command_with_one_line(name: str, value: str, says: str) -> None:
    result = CliRunner().invoke(command, ["serve", "--port", "0"], env={f"CONVSERVE_{name}": value})
    assert result.exit_code == 2
    assert says in result.stderr
    assert "secret" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_every_token_is_compared_whichever_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(sent: bytes, known: bytes) -> bool:
        compared.append((len(sent), len(known)))
        return sent == known

    monkeypatch.setattr("hmac.compare_digest", compare)
    tokens = Tokens(AccessSettings(tokens=SecretStr(f"{FIRST} {SECOND}")))
    for token in (FIRST, SECOND, "", "x" * 10_000):
        compared.clear()
        assert tokens.admits(token) == (token in (FIRST, SECOND))
        assert compared == [(32, 32)] * 2


def test_the_document_says_which_routes_need_a_token() -> None:
    document = call_without_workers(tokens=FIRST, rate_limit="5/minute").get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_guarded = path not in OPEN
            assert operation.get("security") == ([{"token": []}] if is_guarded else None), path
            assert ({"401", "429"} <= set(operation["responses"])) == is_guarded
    plain = call_without_workers().get("/openapi.json").json()
    assert "securitySchemes" not in plain["components"]
    assert "401" not in str(plain)


# -- rates


def test_a_client_above_the_rate_limit_gets_429_with_retry_after() -> None:
    client = call_without_workers(rate_limit="3/minute")
    replies = [client.get("/kernels/blur") for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    assert [re.search(r"r=(\d+)", reply.headers["RateLimit"])[1] for reply in replies] == ["2", "1", "0", "0", "0"]  # type: ignore[index]
    assert {reply.headers["RateLimit-Policy"] for reply in replies} == {'"client";q=3;w=60'}
    assert replies[3].json()["type"] == "/problems#too-many-requests"
    assert 50 <= int(replies[3].headers["Retry-After"]) <= 60
    assert [client.get(path).status_code for path in ("/livez", "/static/js/main.js", "/")] == [200] * 3
    assert "Retry-After" not in replies[0].headers


def test_after_retry_after_the_client_is_served() -> None:
    client = call_without_workers(rate_limit="2 per 2 second")
    replies = [client.get("/kernels/blur") for _ in range(3)]
    assert replies[-1].status_code == 429
    time.sleep(int(replies[-1].headers["Retry-After"]))
    assert client.get("/kernels/blur").status_code == 200


def test_clients_are_counted_separately_and_only_proxies_are_trusted() -> None:
    def ask(client: TestClient, forwarded: str) -> int:
        return client.get("/kernels/blur", headers={"X-Forwarded-For": forwarded}).status_code

    app = create_app(Settings(workers=1), AccessSettings(rate_limit="1/hour", trusted_proxies=("10.0.0.0/8",)))
    proxy, stranger = TestClient(app, client=("10.1.2.3", 1)), TestClient(app, client=("192.0.2.1", 1))
    assert [ask(proxy, "198.51.100.1"), ask(proxy, "198.51.100.2"), ask(proxy, "198.51.100.1")] == [200, 200, 429]
    # The proxy appends the address it saw, so the part that a client forged is to the left of it.
    assert ask(proxy, "198.51.100.9, 198.51.100.1") == 429
    assert [ask(stranger, "198.51.100.77"), ask(stranger, "198.51.100.78")] == [200, 429]


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("testclient", "testclient"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, client: str) -> None:
    assert name_client(address) == client


def test_memory_does_not_grow_with_the_number_of_clients() -> None:
    rates = ClientRates("1/hour")
    for number in range(MAX_CLIENTS + 500):
        rates.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(rates._storage.storage) <= MAX_CLIENTS
    rates.count("192.0.2.1")
    with pytest.raises(RateLimitError):
        rates.count("192.0.2.1")


# -- hosts and origins


@pytest.mark.parametrize("host", ["images.example", "IMAGES.example:8000", "images.example.", "a.b.example.com"])
def test_allowed_hosts_are_accepted(host: str) -> None:
    check_host(host, ("images.example", "*.example.com"))


@pytest.mark.parametrize(
    "host", ["", "example.com", "images.example.evil", "evil-images.example", "[::1]:80", "xexample.com"]
)
def test_other_hosts_are_rejected(host: str) -> None:
    with pytest.raises(UnknownHostError, match="CONVSERVE_ALLOWED_HOSTS"):
        check_host(host, ("images.example", "*.example.com"))


def test_the_host_is_checked_except_for_probes() -> None:
    client = call_without_workers(allowed_hosts="images.example")
    assert client.get("/", headers={"Host": "images.example"}).status_code == 200
    reply = client.get("/", headers={"Host": "evil.example"})
    assert reply.status_code == 400
    assert reply.json()["type"] == "/problems#unknown-host"
    assert client.get("/livez", headers={"Host": "10.0.0.7"}).status_code == 200
    document = client.get("/openapi.json", headers={"Host": "images.example"}).json()
    assert "400" in document["paths"]["/size"]["get"]["responses"]


def test_only_named_origins_may_read_responses(client: TestClient) -> None:
    asked = {"Origin": "https://shop.example"}
    preflight = asked | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    reply = client.get("/livez", headers=asked)
    assert [name for name in reply.headers if name.startswith("access-control")] == []
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    named = call_without_workers(cors_origins="https://shop.example, https://other.example", tokens=FIRST)
    allowed = named.options("/filter/blur", headers=preflight)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    assert "X-Request-ID" in allowed.headers
    refused = named.get("/kernels", headers=asked)  # errors too
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://shop.example")
    exposed = named.get("/kernels/blur", headers=asked | bearer(FIRST)).headers["Access-Control-Expose-Headers"]
    assert {"X-Clipped-Percent", "X-Request-ID", "Retry-After", "Server-Timing"} <= set(exposed.split(", "))
    assert "access-control-allow-credentials" not in allowed.headers
    stranger = named.get("/livez", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    assert named.options("/filter/blur", headers=preflight | {"Origin": "https://evil.example"}).status_code == 400


def test_all_headers_of_the_service_are_exposed(client: TestClient) -> None:
    from app.middleware.cors import EXPOSED

    reply = client.post("/filter/blur", content=IMAGE, headers=RAW)
    own = {name for name in reply.headers if name.startswith("x-") and name != "x-content-type-options"}
    assert len(own) >= 8
    assert own <= {name.lower() for name in EXPOSED}


# -- security headers, and what can be switched off


@pytest.mark.parametrize(
    "path", ["/problems", "/kernels", "/nowhere", "/samples/house.png", "/livez", "/static/js/main.js", "/", "/docs"]
)
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"Accept": "text/html"}).headers
    policy = headers.get_list("Content-Security-Policy")
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'self'" if path == "/" else "default-src 'none'")
    assert "frame-ancestors" in policy[0]
    assert "script-src 'unsafe-inline'" not in policy[0]
    assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert headers["Referrer-Policy"] == "no-referrer"


def test_an_unexpected_error_has_the_security_headers_too() -> None:
    app = create_app(Settings(workers=1), AccessSettings(cors_origins=("https://shop.example",)))

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError

    client = TestClient(app, raise_server_exceptions=False)
    reply = client.get("/breaks", headers={"Origin": "https://shop.example"})
    assert reply.status_code == 500
    assert reply.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.json()["request_id"] == reply.headers["X-Request-ID"]


def test_documentation_and_metrics_can_be_switched_off(client: TestClient) -> None:
    paths = ["/docs", "/openapi.json", "/docs/assets/swagger-ui.css", "/metrics"]
    assert [client.get(path).status_code for path in paths] == [200] * 4
    closed = call_without_workers(docs=False, metrics=False)
    assert [closed.get(path).status_code for path in paths] == [404] * 4
    assert closed.get("/problems").status_code == 200
    assert "/metrics" not in call_without_workers(metrics=False).get("/openapi.json").json()["paths"]


def test_without_documentation_nothing_links_to_it() -> None:
    closed = call_without_workers(docs=False)
    page, links = closed.get("/"), closed.get("/", headers={"Accept": "application/json"})
    missing = closed.get("/nowhere")
    assert missing.status_code == 404
    for reply in (page, links, missing):
        assert "/docs" not in reply.text
        assert "/openapi.json" not in reply.text
        assert "Link" not in reply.headers
    paths = re.findall(r'href="(/[^"]*)"', page.text)
    assert "/problems" in paths
    assert [path for path in paths if closed.get(path).status_code != 200] == []
    opened = call_without_workers(docs=True).get("/")
    assert opened.text.count('href="/docs"') == 3
    assert opened.headers["ETag"] != page.headers["ETag"]


@pytest.mark.slow
def test_metrics_can_have_a_separate_port() -> None:
    import socket

    import httpx

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serve(metrics_port=port, tokens=FIRST) as client:
        client.get("/livez")
        assert client.get("/metrics", headers=bearer(FIRST)).status_code == 404
        reply = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert reply.status_code == 200
        assert 'convserve_requests_total{method="GET",route="/livez",status="200"} 1.0' in reply.text
        assert "convserve_workers_ready 1.0" in reply.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSERVE_CORS_ORIGINS", "https://a.example https://b.example")
    monkeypatch.setenv("CONVSERVE_ALLOWED_HOSTS", "a.example,*.b.example")
    monkeypatch.setenv("CONVSERVE_DOCS", "false")
    access = AccessSettings()
    assert access.cors_origins == ("https://a.example", "https://b.example")
    assert access.allowed_hosts == ("a.example", "*.b.example")
    assert access.docs is False
    with pytest.raises(ValidationError):
        AccessSettings(rate_limit="often")
