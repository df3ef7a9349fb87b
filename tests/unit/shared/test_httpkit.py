"""The HTTP kit through a real socket: what it lets in, what it refuses, and how."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import AwareDatetime, Field
from pymongo.errors import ServerSelectionTimeoutError

from shared import httpkit
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Door, Payload, Route, Who
from shared.tokens import Tokens

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKENS = Tokens("k" * 32)
OPERATOR = {"Authorization": f"Bearer {'o' * 32}"}
APPOINTMENT = "a" * 26
JSON = {"Content-Type": "application/json"}


class Tea(Payload):
    leaf: str = Field(pattern="^[a-z]+$")
    cups: int = Field(ge=1)
    at: AwareDatetime | None = None


class Pot(Payload):
    warm: bool = False


class TooHot(Refusal):
    """The tea would burn."""

    slug, kind = "too-hot", Kind.CONFLICT


async def _brew(ask: Ask[Tea, Pot]) -> Answer:
    if ask.body.leaf == "lava":
        raise TooHot("95 degrees is too hot", degrees=95)
    if ask.body.leaf == "bug":
        raise ZeroDivisionError("secret of the house")
    if ask.body.leaf == "away":
        raise ServerSelectionTimeoutError("mongo is away")
    return Answer(201, ask.body, {"X-Key": ask.idempotency_key or "none"})


async def _see(ask: Ask[None, None]) -> Answer:
    return Answer(200, Tea(leaf="operator" if ask.claim is None else "client", cups=1))


async def _either(ask: Ask[None, None]) -> Answer:
    return await _see(ask)


async def _all(ask: Ask[None, None]) -> Answer:
    return await _see(ask)


async def _hook(ask: Ask[None, None]) -> Answer:
    return Answer(200, text=f"<Body>{ask.form['Body']}</Body>", content_type="text/xml")


async def _leak(_: Ask[None, None]) -> Answer:
    raise ZeroDivisionError("secret of the house")


ROUTES = [
    Route(
        method="POST", path="/v1/teas", handler=_brew, summary="Brew", body=Tea, query=Pot, answers={201: Tea},
        refuses=(TooHot,), idempotent=True,
    ),
    Route(method="GET", path="/v1/appointments/{appointment}", handler=_see, summary="See", answers={200: Tea},
          who=Who.TOKEN),
    Route(method="GET", path="/v1/any/{appointment}", handler=_either, summary="Either", answers={200: Tea},
          who=Who.TOKEN_OR_OPERATOR),
    Route(method="GET", path="/v1/all", handler=_all, summary="All", answers={200: Tea}, who=Who.OPERATOR),
    Route(method="POST", path="/v1/hook", handler=_hook, summary="Hook", form=True, answers={200: None}),
    Route(method="GET", path="/leak", handler=_leak, summary="Leak", answers={200: None}),
]  # fmt: skip


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async def ready() -> Mapping[str, bool]:
        return {"database": True, "broker": False}

    door = Door(tokens=TOKENS, operator_key="o" * 32, ready=ready, now=lambda: NOW)
    app = httpkit.mounted({"tea": httpkit.application("tea", ROUTES, AsyncExitStack(), door)})
    async with TestClient(TestServer(app)) as client:
        yield client


async def refused(response: aiohttp.ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    problem = json.loads(await response.text())
    assert problem["status"] == response.status
    return response.status, problem["code"]


async def test_a_good_request_is_answered_with_its_trace(client: TestClient[web.Request, web.Application]) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = await client.post(
        "/tea/v1/teas", json={"leaf": "oolong", "cups": 2}, headers={"traceparent": trace, "Idempotency-Key": "k1"}
    )

    assert (response.status, await response.json()) == (201, {"leaf": "oolong", "cups": 2})
    assert response.headers["X-Trace-Id"] == trace
    assert response.headers["X-Key"] == "k1"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (422, "malformed-json")),
        (b"\xff", (422, "malformed-json")),
        (b"[" * 100_000, (422, "malformed-json")),
        (b'{"leaf": NaN}', (422, "malformed-json")),
        (b'{"leaf": "oolong", "cups": "2"}', (422, "invalid-request")),
        (b'{"leaf": "OOLONG", "cups": 2}', (422, "invalid-request")),
        (b'{"leaf": "oolong", "cups": 2, "at": 1700000000}', (422, "invalid-request")),
        (b'{"leaf": "oolong", "cups": 2, "extra": 1}', (422, "invalid-request")),
        (b'{"leaf": "lava", "cups": 1}', (409, "too-hot")),
        (b'{"leaf": "bug", "cups": 1}', (500, "internal-error")),
        (b'{"leaf": "away", "cups": 1}', (503, "unavailable")),
        (b" " * 300_000, (413, "request-entity-too-large")),
    ],
)
async def test_a_bad_request_gets_its_code(
    client: TestClient[web.Request, web.Application], body: bytes, expected: tuple[int, str]
) -> None:
    assert await refused(await client.post("/tea/v1/teas", data=body, headers=JSON)) == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/tea/leak", 500, ("One moment, please", "Un momento, por favor")),
        ("GET", "/tea/nowhere", 404, ("There is nothing here", "Aquí no hay nada")),
        ("POST", "/tea/leak", 405, ("That did not work", "Eso no ha funcionado")),
    ],
)
async def test_what_no_page_answered_is_a_page_for_a_browser_alone(
    client: TestClient[web.Request, web.Application], method: str, path: str, status: int, told: tuple[str, str]
) -> None:
    response = await client.request(method, path, headers={"Accept": "text/html,*/*;q=0.8"})

    html = await response.text()
    assert (response.status, response.content_type) == (status, "text/html")
    assert all(words in html for words in told)
    assert "secret" not in html
    assert response.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert (await refused(await client.request(method, path, headers={"Accept": "application/json"})))[0] == status


async def test_the_api_tells_a_browser_what_it_tells_everybody(
    client: TestClient[web.Request, web.Application],
) -> None:
    body = b'{"leaf": "bug", "cups": 1}'
    response = await client.post("/tea/v1/teas", data=body, headers={**JSON, "Accept": "text/html"})

    assert await refused(response) == (500, "internal-error")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tea/v1/teas", "text/plain"),
        ("/tea/v1/teas", "application/x-www-form-urlencoded"),
        ("/tea/v1/hook", "multipart/form-data"),
        ("/tea/v1/hook", "application/json"),
    ],
)
async def test_a_body_of_another_kind_is_not_read(
    client: TestClient[web.Request, web.Application], path: str, kind: str
) -> None:
    response = await client.post(path, data=b"{}", headers={"Content-Type": kind})

    assert await refused(response) == (415, "unsupported-media-type")


async def test_a_form_that_is_not_text_is_refused(client: TestClient[web.Request, web.Application]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}

    assert await refused(await client.post("/tea/v1/hook", data=b"Body=\xff", headers=form)) == (422, "invalid-request")


async def test_nothing_that_was_sent_comes_back(client: TestClient[web.Request, web.Application]) -> None:
    body = {"leaf": "MYSECRET", "cups": "MYSECRET", "MYSECRET": {"MYSECRET": 1}}

    text = await (await client.post("/tea/v1/teas?MYSECRET=1&warm=MYSECRET", json=body)).text()

    assert "MYSECRET" not in text
    assert "leaf" in text or "warm" in text


async def test_an_unexpected_error_tells_nothing_of_the_house(client: TestClient[web.Request, web.Application]) -> None:
    assert "secret" not in await (await client.post("/tea/v1/teas", json={"leaf": "bug", "cups": 1})).text()


async def test_a_refusal_carries_its_facts(client: TestClient[web.Request, web.Application]) -> None:
    problem = json.loads(await (await client.post("/tea/v1/teas", json={"leaf": "lava", "cups": 1})).text())

    assert (problem["detail"], problem["degrees"]) == ("95 degrees is too hot", 95)


@pytest.mark.parametrize("path", ["/tea/v1/nothing", "/nobody", "/tea/v1/appointments/UPPER"])
async def test_an_unknown_path_is_a_problem_too(client: TestClient[web.Request, web.Application], path: str) -> None:
    assert await refused(await client.get(path)) == (404, "not-found")


async def test_a_wrong_method_names_the_right_one(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.delete("/tea/v1/teas")

    assert await refused(response) == (405, "method-not-allowed")
    assert response.headers["Allow"] == "POST"


async def test_a_bad_idempotency_key_is_refused(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.post("/tea/v1/teas", json={"leaf": "a", "cups": 1}, headers={"Idempotency-Key": "x" * 201})

    assert await refused(response) == (422, "invalid-request")


async def test_a_token_opens_its_own_appointment_only(client: TestClient[web.Request, web.Application]) -> None:
    token = TOKENS.mint(APPOINTMENT, "stillwater", NOW + timedelta(hours=1))
    bearer = {"Authorization": f"Bearer {token}"}

    assert (await client.get(f"/tea/v1/appointments/{APPOINTMENT}", headers=bearer)).status == 200
    assert (await client.get(f"/tea/v1/appointments/{APPOINTMENT}?token={token}")).status == 200
    other = await client.get(f"/tea/v1/appointments/{'b' * 26}", headers=bearer)
    assert await refused(other) == (401, "token-invalid")
    assert await refused(await client.get(f"/tea/v1/appointments/{APPOINTMENT}")) == (401, "token-invalid")


async def test_the_operators_key_is_no_clients_token(client: TestClient[web.Request, web.Application]) -> None:
    assert await refused(await client.get(f"/tea/v1/appointments/{APPOINTMENT}", headers=OPERATOR)) == (
        401,
        "token-invalid",
    )
    assert (await client.get("/tea/v1/all", headers=OPERATOR)).status == 200
    assert await refused(await client.get("/tea/v1/all")) == (401, "operator-only")
    either = await client.get(f"/tea/v1/any/{APPOINTMENT}", headers=OPERATOR)
    assert (await either.json())["leaf"] == "operator"


async def test_odd_bytes_in_headers_and_bodies_are_refused_like_anything_else(
    client: TestClient[web.Request, web.Application],
) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    odd = (
        b"GET /tea/v1/all HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\ntraceparent: "
        + b"-" * 3
        + b"\xff" * 52
    )
    writer.write(odd + b"\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()

    gzipped = {**JSON, "Content-Encoding": "gzip"}
    assert (await refused(await client.post("/tea/v1/teas", data=b"no gzip at all", headers=gzipped)))[0] in {400, 422}


async def test_a_form_post_is_read_as_a_form(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.post("/tea/v1/hook", data={"Body": "C"})

    assert (response.content_type, await response.text()) == ("text/xml", "<Body>C</Body>")


async def test_health_tells_which_part_is_missing_and_metrics_count(
    client: TestClient[web.Request, web.Application],
) -> None:
    ready = await client.get("/tea/health/ready")

    assert (ready.status, await ready.json()) == (503, {"ready": False, "parts": {"database": True, "broker": False}})
    assert (await client.get("/tea/health/live")).status == 200
    assert "http_request_seconds" in await (await client.get("/tea/metrics")).text()


async def test_the_description_is_valid_openapi_and_names_every_refusal(
    client: TestClient[web.Request, web.Application],
) -> None:
    described = await (await client.get("/tea/v1/openapi.json")).json()

    OpenAPIV31SpecValidator(described).validate()
    brew = described["paths"]["/tea/v1/teas"]["post"]
    assert set(brew["responses"]) == {"201", "409", "422", "default"}
    assert [p["name"] for p in brew["parameters"]] == ["warm", "Idempotency-Key"]


async def _where(ask: Ask[None, None]) -> Answer:
    return Answer(200, text=f"{ask.caller.address}")


WHERE = Route(method="GET", path="/v1/where", handler=_where, summary="Where the caller is", answers={200: None})


async def where(proxies: str, *forwarded: str) -> tuple[int, str]:
    """As a real peer on 127.0.0.1 is seen, with what it says it forwards."""

    async def ready() -> Mapping[str, bool]:
        return {}

    app = httpkit.application("tea", [WHERE], AsyncExitStack(), Door(TOKENS, "o" * 32, ready))
    networks = [ip_network(network) for network in proxies.split()]
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    served = TestServer(httpkit.mounted({"tea": app}, proxies=networks))
    async with TestClient(served) as client, client.get("/tea/v1/where", headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("", "203.0.113.7", "127.0.0.1"),  # nobody is believed
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),  # not this peer
        ("127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1/32 10.0.0.0/8", "203.0.113.7, 10.1.2.3", "203.0.113.7"),  # through two of ours
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the first is the client's own invention
        ("127.0.0.0/8", "127.0.0.1, 203.0.113.7", "203.0.113.7"),  # even if it names one of ours
        ("127.0.0.0/8 2001:db8::/32", "2a00::1", "2a00::1"),
        ("10.0.0.0/8 ::1/128", "2a00::1", "127.0.0.1"),
    ],
)
async def test_only_a_configured_proxy_can_say_where_a_request_comes_from(
    proxies: str, forwarded: str, address: str
) -> None:
    assert await where(proxies, forwarded) == (200, address)


async def test_a_proxy_that_says_nothing_is_itself_the_caller() -> None:
    assert await where("127.0.0.0/8") == (200, "127.0.0.1")


@pytest.mark.parametrize("forwarded", [["not an address"], ["203.0.113.7", "203.0.113.8"]])
async def test_what_a_proxy_says_that_cannot_be_read_is_refused_and_from_others_not_even_read(
    forwarded: list[str],
) -> None:
    assert (await where("127.0.0.0/8", *forwarded))[0] == 400
    assert await where("10.0.0.0/8", *forwarded) == (200, "127.0.0.1")


class TooOften(Refusal):
    """Wait a little."""

    slug, kind = "too-often", Kind.LIMITED


def test_a_refusal_that_knows_how_long_to_wait_says_so_in_the_header_too() -> None:
    refusal = TooOften("wait", retry_after=42)
    told = httpkit.problem(refusal.kind, refusal.slug, str(refusal), "trace", refusal.extra)

    assert (told.status, told.headers["Retry-After"]) == (429, "42")
    assert "Retry-After" not in httpkit.problem(409, "no", "no", "trace", {}).headers
    assert httpkit.problem(503, "away", "away", "trace", {}).headers["Retry-After"] == "5"
