"""The broker's exchanges, queues, bindings and policies, derived from who hears what.

Services never declare: they may only look (`configure` is denied to their user), so a misspelt queue is an
error instead of a new queue. Queue arguments can never be changed afterwards; everything that an operator may
want to change is therefore a policy. Exactly one policy applies to a queue, so each is complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

import aiohttp
from pydantic import SecretStr
from yarl import URL

from services import booking, notify, screening
from shared.bus import DEAD, EVENTS, inbox, parked, retry_queue
from shared.retry import LADDER

QUORUM: Final = {"x-queue-type": "quorum"}
# At-least-once dead-lettering needs reject-publish; without it the broker falls back to losing messages.
KEEP: Final = {"dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}
# Clean reconnects count as deliveries too: a low limit would park innocent messages after a few of them.
DELIVERY_LIMIT: Final = 20

Definitions = dict[str, list[dict[str, Any]]]


def hears() -> dict[str, list[str]]:
    """The names of the events that each service hears, as their cards say."""
    cards = {"booking": booking, "screening": screening, "notify": notify}
    return {service: [event.name for event in card.HEARS] for service, card in cards.items()}


def definitions(hears: Mapping[str, Sequence[str]]) -> Definitions:
    """Everything the broker must hold, as the management API's definitions; `hears` maps a service to event names."""
    queues = [name for service in hears for name in _queues(service)]
    bindings = [_binding(EVENTS, inbox(service), event) for service, events in hears.items() for event in events]
    bindings += [_binding(DEAD, parked(service), service) for service in hears]
    return {
        "exchanges": [
            {"name": name, "type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
            for name in (EVENTS, DEAD)
        ],
        "queues": [{"name": name, "durable": True, "auto_delete": False, "arguments": QUORUM} for name in queues],
        "bindings": bindings,
        "policies": [policy for service in hears for policy in _policies(service)],
    }


def _queues(service: str) -> list[str]:
    return [inbox(service), *(retry_queue(service, rung) for rung in LADDER), parked(service)]


def _binding(source: str, queue: str, key: str) -> dict[str, Any]:
    return {"source": source, "destination": queue, "destination_type": "queue", "routing_key": key, "arguments": {}}


def _policies(service: str) -> list[dict[str, Any]]:
    to_parked = {"dead-letter-exchange": DEAD, "dead-letter-routing-key": service}
    work = {"delivery-limit": DELIVERY_LIMIT, "max-length": 100_000, **to_parked, **KEEP}
    back = {"dead-letter-exchange": "", "dead-letter-routing-key": inbox(service), "delivery-limit": DELIVERY_LIMIT}
    keep = {"delivery-limit": 1_000, "max-length": 1_000_000, "overflow": "reject-publish"}
    return [
        _policy(inbox(service), work),
        *(
            _policy(retry_queue(service, rung), {"message-ttl": int(wait.total_seconds() * 1000), **back, **KEEP})
            for rung, wait in LADDER.items()
        ),
        _policy(parked(service), keep),
    ]


def _policy(queue: str, definition: dict[str, Any]) -> dict[str, Any]:
    pattern = f"^{queue.replace('.', '[.]')}$"
    return {"name": queue, "pattern": pattern, "apply-to": "queues", "priority": 0, "definition": definition}


async def apply(management_url: SecretStr, rabbit_url: SecretStr, wanted: Definitions | None = None) -> None:
    """Make it so over the management API, and let the user of `rabbit_url` use it but never change it.

    Idempotent; policies are updated, existing queues are left as they are. `management_url` carries an
    administrator's name and password; raises `aiohttp.ClientError` when the broker cannot be reached or refuses.
    """
    admin, service = URL(management_url.get_secret_value()), URL(rabbit_url.get_secret_value())
    vhost = quote(unquote(service.raw_path.removeprefix("/")) or "/", safe="")
    headers = {"Authorization": aiohttp.encode_basic_auth(admin.user or "", admin.password or "")}
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
        await _call(session, "PUT", admin, f"vhosts/{vhost}", {})
        await _call(session, "POST", admin, f"definitions/{vhost}", wanted or definitions(hears()))
        if service.user and service.user != admin.user:
            user = quote(service.user, safe="")
            await _call(session, "PUT", admin, f"users/{user}", {"password": service.password, "tags": ""})
            allowed = {"configure": "^$", "write": ".*", "read": ".*"}
            await _call(session, "PUT", admin, f"permissions/{vhost}/{user}", allowed)


async def _call(session: aiohttp.ClientSession, method: str, admin: URL, path: str, body: Any) -> None:
    url = admin.with_user(None).with_path(f"/api/{path}", encoded=True)
    async with session.request(method, url, json=body):
        pass
