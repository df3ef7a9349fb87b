"""docker-compose.yml on a real engine: one visit is booked through the gateway, and again after each part restarted."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.compose.stack import PARTS, SERVICES, Stack
from tests.support.waiting import until


async def test_a_visit_is_booked_through_the_gateway(stack: Stack) -> None:
    await stack.book()


async def test_signed_receipts_and_replies_reach_notify_through_the_gateway(stack: Stack) -> None:
    await stack.book()
    async with aiohttp.ClientSession(stack.phone_origin) as phone:
        async with phone.get("/emulator/messages") as listed:
            client = (await listed.json())["messages"][-1]["to"]
        async with phone.post("/emulator/inbound", json={"from": client, "body": "C"}) as texted:
            assert texted.ok

        async def answered() -> dict[str, str]:
            async with phone.get("/emulator/webhooks") as posted:
                seen = {hook["url"]: hook["outcome"] for hook in (await posted.json())["webhooks"]}
            return seen if f"{stack.origin}/notify/v1/twilio/inbound" in seen else {}

        outcomes = await until(answered)

    assert set(outcomes.values()) == {"200", "204"}


@pytest.mark.parametrize("part", PARTS)
async def test_no_part_runs_as_root_or_may_become_it(stack: Stack, part: str) -> None:
    inspected = await stack.inspect(part)
    user = inspected["Config"]["User"].partition(":")[0]
    host = inspected["HostConfig"]

    assert user not in {"", "0", "root"}
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("part", PARTS)
async def test_no_part_writes_to_its_image_or_takes_all_memory(stack: Stack, part: str) -> None:
    host = (await stack.inspect(part))["HostConfig"]

    assert host["ReadonlyRootfs"]
    assert 0 < host["Memory"] <= 2**30
    assert host["LogConfig"]["Config"]["max-size"] == "10m"


async def test_only_the_gateway_and_the_demos_phone_are_published(stack: Stack) -> None:
    published = {part: (await stack.inspect(part))["HostConfig"]["PortBindings"] for part in PARTS}

    assert {part for part, ports in published.items() if ports} == {"gateway", "phone"}
    for ports in (published["gateway"], published["phone"]):
        assert {binding["HostIp"] for bindings in ports.values() for binding in bindings} == {"127.0.0.1"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("path", ["metrics", "health/ready", "health/live"])
async def test_what_is_for_operators_is_not_public(stack: Stack, service: str, path: str) -> None:
    async with aiohttp.ClientSession(stack.origin) as session, session.get(f"/{service}/{path}") as answer:
        assert answer.status == 404


async def test_the_gateway_adds_the_headers_that_every_answer_needs(stack: Stack) -> None:
    async with aiohttp.ClientSession(stack.origin) as session, session.get("/booking/v1/openapi.json") as answer:
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "geolocation=()" in answer.headers["Permissions-Policy"]
        assert "Server" not in answer.headers


async def test_the_operators_command_line_finds_nothing_bad(stack: Stack) -> None:
    """The demo's phone is an emulator on a machine of its own, and what it knows of us is checked too."""
    told = json.loads(await stack.compose("run", "--rm", "-T", "stillpoint", "doctor", "--json"))

    assert {one["verdict"] for one in told} == {"good", "look"}
    assert {one["area"] for one in told} >= {"addresses", "broker", "database", "secrets", "twilio", "versions"}
    assert "still-water" in await stack.compose("run", "--rm", "-T", "stillpoint", "practice", "export", "still-water")


async def test_prometheus_finds_every_target_and_takes_every_rule(stack: Stack) -> None:
    """The profile's Grafana is left out: no package brings it here, and its image cannot be pulled."""
    watch = ("prometheus", "alertmanager", "watcher")
    await stack.compose("--profile", "watch", "up", "--detach", "--no-build", "--wait", "--no-deps", *watch)

    async def asked(what: str) -> Any:
        address = f"http://127.0.0.1:9090/api/v1/{what}"
        told = await stack.compose("--profile", "watch", "exec", "-T", "prometheus", "wget", "-q", "-O", "-", address)
        return json.loads(told)["data"]

    async def every_target_answers() -> set[str]:
        found = {one["labels"]["job"]: one["health"] for one in (await asked("targets"))["activeTargets"]}
        return set(found) if set(found.values()) == {"up"} and len(found) == 7 else set()

    jobs = await until(every_target_answers, within=150)
    groups = (await asked("rules"))["groups"]

    async def has_whom_to_tell() -> bool:
        return len((await asked("alertmanagers"))["activeAlertmanagers"]) == 1

    await until(has_whom_to_tell, within=90)

    assert jobs == {*SERVICES, "rabbitmq", "queues", "watcher", "prometheus"}
    assert {group["name"] for group in groups} == {"recorded", "messages", "texts", "bookings", "machine", "backups"}
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    for part in watch:
        host = (await stack.inspect_in("watch", part))["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]


@pytest.mark.parametrize("part", PARTS)
async def test_a_visit_is_booked_after_a_restart_of(stack: Stack, part: str) -> None:
    await stack.restart(part)

    await stack.book()


async def test_every_part_stops_when_asked(stack: Stack) -> None:
    await stack.compose("stop")

    codes = {part: (await stack.inspect(part))["State"]["ExitCode"] for part in PARTS}
    assert codes == dict.fromkeys(PARTS, 0)
