"""Do clients reach the services under the public origin, safely, and is the clock right?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from yarl import URL

from deploy.stillpoint.checks.finding import Finding, bad, good, look
from deploy.stillpoint.settings import SERVICES, inside
from shared.clock import Clock

PATIENCE: Final = aiohttp.ClientTimeout(total=10)
AT_HOME: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SOON: Final = timedelta(days=14)
MOST_SKEW: Final = timedelta(seconds=30)


async def origin(address: str, services_url: str | None, now: Clock) -> AsyncIterator[Finding]:
    """An origin that leads no further than its own machine cannot be seen from a container beside the services."""
    url, own = URL(address), services_url if URL(address).host in AT_HOME else None
    if own:
        yield look(
            "addresses", f"{address} is reached from this machine alone", "set STILLPOINT_DOMAIN when it is time"
        )
    if url.scheme != "https" and url.host not in AT_HOME:
        yield bad(
            "addresses", f"{address} is not https", "set STILLPOINT_DOMAIN; the gateway then fetches certificates"
        )
    if url.scheme == "https":
        yield await _certificate(url, now)
    versions: dict[str, str] = {}
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        for service in SERVICES:
            place = inside(own, service) or address
            told = await _version(session, f"{place}/{service}/v1/openapi.json")
            if isinstance(told, str):
                versions[service] = told
                yield good("addresses", f"{service} answers under {place}")
            else:
                yield told
        if len(set(versions.values())) > 1:
            running = ", ".join(f"{service} {version}" for service, version in versions.items())
            yield look(
                "versions", f"different versions run: {running}", "finish the upgrade: docker compose up -d --build"
            )
        elif versions:
            yield good("versions", f"all run {next(iter(versions.values()))}")


async def skew(name: str, date: str, now: Clock) -> Finding:
    """Our clock held against the `Date` of somebody else's answer."""
    try:
        off = abs(now() - parsedate_to_datetime(date))
    except (TypeError, ValueError):
        return look("clock", f"{name} tells no time", "compare this machine's clock by hand: timedatectl")
    if off > MOST_SKEW:
        to_do = "let the machine follow a time server: timedatectl set-ntp true"
        return bad("clock", f"this machine's clock and {name}'s differ by {off.total_seconds():.0f} s", to_do)
    return good("clock", f"this machine's clock agrees with {name}'s")


async def _version(session: aiohttp.ClientSession, address: str) -> str | Finding:
    try:
        async with session.get(address) as answer:
            described: dict[str, Any] = await answer.json(content_type=None)
            return str(described["info"]["version"])
    except aiohttp.ClientConnectorDNSError:
        host = URL(address).host
        return bad("addresses", f"the name {host} leads nowhere", f"let {host} point to this server in the DNS")
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        to_do = "docker compose ps, then docker compose logs of what is not healthy"
        return bad("addresses", f"{address} does not answer", to_do)


async def _certificate(url: URL, now: Clock) -> Finding:
    to_do = "docker compose logs gateway says why; ports 80 and 443 must be open"
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(url.host, url.port, ssl=ssl.create_default_context()), PATIENCE.total
        )
    except ssl.SSLCertVerificationError as error:
        return bad("tls", f"the certificate of {url.host} is not trusted: {error.verify_message}", to_do)
    except (OSError, TimeoutError):
        return bad("tls", f"nobody speaks TLS at {url.host}:{url.port}", to_do)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    told = f"the certificate of {url.host} ends on {ends.date()}"
    return good("tls", told) if ends - now() > SOON else look("tls", told, to_do)
