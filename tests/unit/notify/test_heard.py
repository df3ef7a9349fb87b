"""From an event as booking says it to what notify knows of the visit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.notify import inbox
from services.notify.actions.clients import Clients
from services.notify.domain.visit import Visit
from shared.events import Envelope, decode
from shared.retry import DONE
from tests.support.notify import Clock, Phone, Worker, practice, twins

SAMPLES = Path(__file__).parents[2] / "contract" / "events"


def said(name: str) -> Envelope[Any]:
    sample = f"booking.appointment.{name}.v1"
    return decode(sample, (SAMPLES / f"{sample}.json").read_bytes())


async def kept(*events: Envelope[Any]) -> Visit:
    """What is known of the visit after these."""
    clock = Clock(events[0].time)
    worker = Worker(twins(clock), Phone(clock), clock)
    await worker.planning.keep_practice(practice(id=events[0].practice))
    clients = Clients(worker.stores, seal=worker.seal, now=clock)
    handlers = inbox.subscriptions(worker.planning, worker.notices, clients)
    for heard in events:
        assert await handlers[type(heard.data)](heard) == DONE
    known = await worker.stores.visits.get(events[0].data.appointment)
    assert known is not None
    return known


async def test_a_visit_that_is_cancelled_after_a_move_is_known_to_have_been_moved_and_when() -> None:
    moved, off = said("moved"), said("cancelled")
    assert moved.data.appointment == off.data.appointment
    off = off.model_copy(update={"sequence": moved.sequence + 1, "time": moved.time + timedelta(hours=1)})

    known = await kept(moved, off)

    assert (known.state, known.moved, known.moved_at) == ("cancelled", False, moved.time)
    assert (await kept(off, moved)).state == "cancelled"


async def test_the_texts_about_a_child_go_to_the_guardian() -> None:
    event = said("confirmed")
    assert event.data.client.guardian.phone != event.data.client.phone

    assert (await kept(event)).phone == event.data.client.guardian.phone
