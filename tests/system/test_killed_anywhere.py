"""Each service is ended with SIGKILL before and after every I/O call of a booking's story; the end is the same."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from services.booking.domain.identity import appointment_id
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY, SERVICES
from tests.support.story import Booking, Refused
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, Stage

MOST_STEPS = 80
EVEN_HOURS = {f"{hour:02d}:00" for hour in range(0, 24, 2)}
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Interrupted:
    """One story that was interrupted: which step, whose booking, which phone."""

    step: int
    booking: Booking
    phone: Phone
    steps: Path


async def insistently(call: Callable[[], Awaitable[Told]], dead: Callable[[], Awaitable[None]]) -> Told:
    """As a widget does: the same request again, while the service is away."""
    for _ in range(400):
        try:
            return await call()
        except aiohttp.ClientError:
            await dead()
        except Refused as refused:
            if refused.status != 503:
                raise
        await asyncio.sleep(0.02)
    raise AssertionError("the service stayed away")


async def interrupted(stage: Stage, service: str, step: int, slot: dict[str, str], answers: Any) -> Interrupted | None:
    """Tell the story with `service` to be killed at `step`; None if the story has fewer steps."""
    key, phone = f"killed-{service}-{step}-{secrets.token_hex(3)}", stage.new_phone()
    subject, steps = appointment_id(PRACTICE, key), stage.system.folder / f"{key}.steps"
    stage.system.commands[service] = (sys.executable, "-m", "tests.support.killed", service)
    await stage.system.restart(service, KILL_ON=subject, KILL_AT=str(step), KILL_LOG=str(steps))
    del stage.system.commands[service]

    async def revive() -> None:
        """Also one that was killed late, by a step after its last story's end."""
        for name in SERVICES:
            if not stage.system.children[name].running:
                await stage.system.start(name)

    booking = await insistently(lambda: stage.widget.hold("session", slot, key=key), revive)
    await insistently(lambda: booking.request(phone.number), revive)
    await insistently(lambda: booking.answer(answers), revive)
    try:
        await until(lambda: _over(stage, service, booking), within=60)
    except AssertionError as error:
        error.add_note(f"step {step}: {(await booking.look())['state']}, {await _states(stage, booking)}")
        raise
    died = not stage.system.children[service].running or _reached(steps) == step
    await revive()
    return Interrupted(step, booking, phone, steps) if died else None


async def _apart(stage: Stage) -> list[dict[str, str]]:
    """Starts two hours apart, so that no visit is in another's way, not before the day after tomorrow."""
    free = await stage.widget.times("session", days="30")
    days = sorted({slot["starts_at"][:10] for slot in free})[3:]
    return [s for s in free if s["starts_at"][:10] in days and s["starts_at"][11:16] in EVEN_HOURS]


def _reached(steps: Path) -> int:
    return len(steps.read_text().splitlines()) if steps.exists() else 0


async def _over(stage: Stage, service: str, booking: Booking) -> bool:
    """Killed, or the whole story told without reaching the step."""
    with suppress(aiohttp.ClientError):
        if await booking.is_("confirmed") and await _settled(stage, booking):
            return True
    return not stage.system.children[service].running


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("service", SERVICES)
async def test_killed_at_any_step_the_story_ends_the_same(stage: Stage, service: str, every: int) -> None:
    form = await stage.widget.clear_answers("session")
    slots = await _apart(stage)
    stories = []
    for step in range(1, MOST_STEPS, every):
        story = await interrupted(stage, service, step, slots.pop(), form)
        if story is None:
            break
        stories.append(story)

    await stage.system.restart(service)
    assert len(stories) * every >= 10, "the service was hardly ever killed"
    await asyncio.gather(*(_ends_well(stage, story) for story in stories))


async def _ends_well(stage: Stage, story: Interrupted) -> None:
    await until(lambda: story.booking.is_("confirmed"), within=90)
    await until(lambda: story.phone.saw("your visit is booked for"), within=90)
    await until(lambda: _settled(stage, story.booking, "accepted", "sent", "delivered"), within=90)
    booked = [body for body in await story.phone.bodies() if "your visit is booked for" in body]
    assert len(booked) == 1, f"step {story.step}: {story.steps.read_text()}"


async def _settled(stage: Stage, booking: Booking, *ends: str) -> bool:
    """The confirmation is where no further step of ours follows, and the rest waits for its time.

    Delivered, unless told otherwise: a receipt that came while notify was dead may not come again.
    """
    states = await _states(stage, booking)
    return states.pop("booked", "") in (ends or ("delivered",)) and set(states.values()) <= {"planned", "skipped"}


async def _states(stage: Stage, booking: Booking) -> dict[str, str]:
    path = f"/notify/v1/appointments/{booking.id}/messages"
    found = (await stage.widget.call("GET", path, token=OPERATOR_KEY))["messages"]
    return {message["step"]: message["state"] for message in found}
