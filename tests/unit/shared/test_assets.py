"""Files of pages: kept for good under the address of their version, and not sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from shared import httpkit
from shared.assets import A_WHILE, FOR_GOOD, Asset
from shared.clock import utc_now
from shared.httpkit import Door
from shared.tokens import Tokens

OURS = Asset("say('hello')", "text/javascript")
THEIRS = Asset("say('hello, you')", "text/javascript", elsewhere=True)


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    async def ready() -> Mapping[str, bool]:
        return {}

    door = Door(Tokens("signing-" + "s" * 32), "operator-" + "o" * 32, ready, utc_now)
    routes = [OURS.route("/ours.js", "Ours"), THEIRS.route("/theirs.js", "Theirs")]
    app = httpkit.application("booking", routes, AsyncExitStack(), door)
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as client:
        yield client


@pytest.mark.parametrize(("query", "kept"), [(f"?v={OURS.version}", FOR_GOOD), ("?v=0", A_WHILE), ("", A_WHILE)])
async def test_only_the_address_of_this_version_is_kept_for_good(client: TestClient, query: str, kept: str) -> None:
    async with client.get(f"/booking/ours.js{query}") as answer:
        assert (answer.status, await answer.text(), answer.headers["Cache-Control"]) == (200, OURS.text, kept)
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("tag", "status"), [(f'"{OURS.version}"', 304), (f'"older", W/"{OURS.version}"', 304), ('"older"', 200)]
)
async def test_what_the_browser_has_is_not_sent_again(client: TestClient, tag: str, status: int) -> None:
    async with client.get("/booking/ours.js", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, bool(await answer.text())) == (status, status == 200)
        assert answer.headers["ETag"] == f'"{OURS.version}"'


async def test_only_what_is_for_other_sites_may_be_loaded_by_them(client: TestClient) -> None:
    async with client.get("/booking/ours.js") as ours, client.get("/booking/theirs.js") as theirs:
        assert "Access-Control-Allow-Origin" not in ours.headers
        assert theirs.headers["Access-Control-Allow-Origin"] == "*"
        assert theirs.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_kind_of_a_file_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("p {}")
    assert Asset.read(tmp_path / "page.css") == Asset("p {}", "text/css")
