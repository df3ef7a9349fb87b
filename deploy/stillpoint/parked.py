"""`stillpoint parked`: messages that a service could not make use of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import cyclopts
from pydantic_core import from_json

from deploy.stillpoint.saying import Json, NotDone, facts, said
from deploy.stillpoint.settings import SERVICES, BrokerSettings
from deploy.stillpoint.shelf import Parked, Shelf, shelf
from shared.settings import read

Service = Literal["booking", "screening", "notify"]

app = cyclopts.App(
    name="parked", help="Look at the messages that a service could not make use of, have them heard again, drop them."
)


@app.command(name="list")
def listed(service: Service | None = None, *, as_json: Json = False) -> None:
    """What is parked, the oldest first.

    Parameters
    ----------
    service
        Of this one; of all three if left out.
    """
    found = [one for name in ([service] if service else SERVICES) for one in _on(name, lambda kept: kept.all())]
    facts([_line(one) for one in found], as_json=as_json, nothing="nothing is parked")


@app.command
def show(service: Service, event_id: str) -> None:
    """One message whole, as JSON. It may hold names and numbers of clients.

    Parameters
    ----------
    service
        Whose it is.
    event_id
        As `list` shows it.
    """
    for one in _on(service, lambda kept: kept.all()):
        if one.id == event_id:
            return said({**_line(one), "body": _read(one.body)})
    raise NotDone(f"{service} has nothing parked under {event_id}")


@app.command
def replay(service: Service, *event_ids: str, everything: bool = False) -> None:
    """Have messages heard again, by this service alone.

    Parameters
    ----------
    service
        Whose they are.
    event_ids
        As `list` shows them.
    everything
        All that is parked now.
    """
    done = _chosen(service, event_ids, everything, lambda kept, wanted: kept.replay(wanted))
    print(f"{len(done)} heard again by {service}; look with `stillpoint parked list {service}` whether any came back")


@app.command
def drop(service: Service, *event_ids: str, everything: bool = False, sure: bool = False) -> None:
    """Throw messages away, for good.

    Parameters
    ----------
    service
        Whose they are.
    event_ids
        As `list` shows them.
    everything
        All that is parked now.
    sure
        Nothing is done without it.
    """
    if not sure:
        raise NotDone("what is dropped cannot be brought back; say --sure")
    print(f"{len(_chosen(service, event_ids, everything, lambda kept, wanted: kept.drop(wanted)))} dropped")


def _chosen(
    service: str,
    ids: tuple[str, ...],
    everything: bool,
    work: Callable[[Shelf, Callable[[Parked], bool]], Awaitable[list[Parked]]],
) -> list[Parked]:
    if bool(ids) == everything:
        raise NotDone("name the messages, or say --everything")
    done = _on(service, lambda kept: work(kept, lambda one: everything or one.id in ids))
    if missing := set(ids) - {one.id for one in done}:
        raise NotDone(f"{service} has nothing parked under {', '.join(sorted(missing))}; the others are done")
    return done


def _on(service: str, work: Callable[[Shelf], Awaitable[list[Parked]]]) -> list[Parked]:
    async def worked() -> list[Parked]:
        async with shelf(read(BrokerSettings).rabbit_url, service) as kept:
            return await work(kept)

    return asyncio.run(worked())


def _line(one: Parked) -> dict[str, Any]:
    """Ids only: no name, number or word of a client."""
    return {
        "service": one.service,
        "id": one.id,
        "event": one.event,
        "reason": one.reason,
        "said_at": one.said_at,
        "practice": one.practice,
        "subject": one.subject,
    }


def _read(body: bytes) -> object:
    try:
        return from_json(body)
    except ValueError:
        return body.decode(errors="replace")
