"""The way out reaches public addresses over HTTPS and nothing else, and never waits or reads without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.booking.outward import Failure, NotReached, Outward, is_public

SOON = timedelta(milliseconds=200)


@asynccontextmanager
async def served(*, host: str = "127.0.0.1") -> AsyncIterator[TestServer]:
    """A server with a page, a slow one, an endless one, and one that sends its caller elsewhere."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {(await request.text())}", headers={"ETag": "one"})

    async def slow(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 4096)

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def round_(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "/round"})

    app = web.Application()
    app.router.add_route("*", "/page", page)
    app.add_routes([web.get("/slow", slow), web.get("/endless", endless), web.get("/round", round_)])
    app.router.add_route("*", "/elsewhere", elsewhere)
    async with TestServer(app, host=host) as server:
        yield server


async def refusal(address: str, *, private: bool = False) -> Failure:
    async with Outward.open(private=private) as outward:
        with pytest.raises(NotReached) as refused:
            await outward.get(address)
    return refused.value.failure


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://localhost/",
        "https://0x7f.0.0.1/",
        "https://0.0.0.0/",
    ],
)
async def test_an_address_inside_is_never_connected_to(address: str) -> None:
    assert await refusal(address) is Failure.REFUSED


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", "xn--" + "a" * 61, ".example"])
async def test_a_name_that_nobody_can_look_up_is_no_address(host: str) -> None:
    assert await refusal(f"https://{host}/") is Failure.MALFORMED
    async with served() as server, Outward.open(private=True) as outward:
        with pytest.raises(NotReached, match=Failure.MALFORMED):
            await outward.get(str(server.make_url("/elsewhere").with_query(to=f"http://{host}/")))
        with pytest.raises(NotReached, match=Failure.MALFORMED):
            await outward.post(f"http://{host}/", b"", {})


@pytest.mark.parametrize("address", ["https://2130706433/", "https://127.1/"])
async def test_an_address_in_an_unusual_spelling_is_no_address(address: str) -> None:
    assert await refusal(address) in {Failure.MALFORMED, Failure.REFUSED}


@pytest.mark.parametrize(
    ("address", "failure"),
    [
        ("http://example.com/", Failure.INSECURE),
        ("ftp://example.com/", Failure.INSECURE),
        ("file:///etc/passwd", Failure.INSECURE),
        ("//example.com/", Failure.INSECURE),
        ("https://", Failure.MALFORMED),
        ("https://[1/", Failure.MALFORMED),
    ],
)
async def test_what_is_no_https_address_is_not_asked(address: str, failure: Failure) -> None:
    assert await refusal(address) is failure


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::", True),
        ("::ffff:10.0.0.1", False),
        ("2002:a00:1::", False),
        ("64:ff9b:1::808:808", False),
        ("100.64.0.1", False),
        ("192.0.0.8", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
    ],
)
def test_only_what_everybody_reaches_is_public(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public


async def test_a_page_is_fetched_and_a_body_is_posted() -> None:
    async with served() as server, Outward.open(private=True) as outward:
        got = await outward.get(str(server.make_url("/page")))
        posted = await outward.post(str(server.make_url("/page")), b"told", {"Content-Type": "text/plain"})

    assert (got.status, got.body, got.whole, got.headers["ETag"]) == (200, b"GET ", True, "one")
    assert (posted.status, posted.body) == (200, b"POST told")


async def test_a_redirect_is_followed_by_get_and_told_by_post() -> None:
    async with served() as server, Outward.open(private=True) as outward:
        away = str(server.make_url("/elsewhere").with_query(to="/page"))
        assert (await outward.get(away)).body == b"GET "
        assert (await outward.post(away, b"", {})).status == 302


async def test_a_redirect_to_an_address_inside_is_refused() -> None:
    outside = ip_address("127.0.0.1")
    async with (
        served() as server,
        served(host="127.0.0.2") as inside,
        Outward.open(private=True, reaches=lambda address: address == outside) as outward,
    ):
        to = str(inside.make_url("/page"))
        with pytest.raises(NotReached) as refused:
            await outward.get(str(server.make_url("/elsewhere").with_query(to=to)))

    assert refused.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/slow", Failure.SLOW),
        ("/round", Failure.REDIRECTS),
        ("/elsewhere?to=ftp://example.com/", Failure.INSECURE),
        ("/elsewhere?to=http://[1/", Failure.MALFORMED),
    ],
)
async def test_waiting_and_following_have_an_end(path: str, failure: Failure) -> None:
    async with served() as server, Outward.open(private=True) as outward:
        with pytest.raises(NotReached) as refused:
            await outward.get(f"http://{server.host}:{server.port}{path}", within=SOON)

    assert refused.value.failure is failure


async def test_an_answer_without_end_is_cut_off() -> None:
    async with served() as server, Outward.open(private=True) as outward:
        answered = await outward.get(str(server.make_url("/endless")), most=10_000)

    assert (len(answered.body), answered.whole) == (10_000, False)


async def test_a_server_that_is_away_is_unreachable() -> None:
    async with served() as server:
        gone = str(server.make_url("/page"))

    assert await refusal(gone, private=True) is Failure.UNREACHABLE
