"""The way out to addresses that others name: HTTPS to public addresses only, bounded in time and size.

Whoever names an address must not make this server reach what only it can reach. So the address is checked where a
socket is made for it: after every look-up of a name, for every redirect, and for addresses written as numbers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import aiohttp
from aiohttp.abc import AbstractCookieJar
from yarl import URL

MOST_HOPS: Final = 3
WITHIN: Final = timedelta(seconds=15)
MOST_BYTES: Final = 65_536
MOVED: Final = frozenset({301, 302, 303, 307, 308})
# An answer that is packed could unpack to any size, so none is asked for and none is unpacked.
ALWAYS: Final[Mapping[str, str]] = {"Accept-Encoding": "identity", "User-Agent": "Stillpoint"}
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
# Kept for protocols and for translation inside a network; not every Python knows.
_NOBODYS: Final = (IPv4Network("192.0.0.0/24"), IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))

Address = IPv4Address | IPv6Address
Reach = Callable[[Address], bool]
"""Whether an address may be connected to."""


class Failure(StrEnum):
    """Why there was no answer."""

    MALFORMED = "malformed-address"
    INSECURE = "insecure-address"
    REFUSED = "refused-address"
    UNREACHABLE = "unreachable"
    SLOW = "too-slow"
    REDIRECTS = "too-many-redirects"


class NotReached(Exception):
    """There was no whole answer in time. A request may have arrived all the same, unless nothing was connected to."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class RefusedAddress(OSError):
    """The name leads to an address that may not be connected to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`body` is cut off where it became too long; `whole` is False then."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool


def is_public(address: Address) -> bool:
    """Reachable by everybody on the internet; an IPv4 address inside an IPv6 address counts as itself."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    special = address.is_multicast or address.is_reserved or any(address in network for network in _NOBODYS)
    return address.is_global and not special


class Outward:
    def __init__(self, session: aiohttp.ClientSession, *, private: bool) -> None:
        self._session = session
        self._private = private

    @classmethod
    @asynccontextmanager
    async def open(cls, *, private: bool = False, reaches: Reach | None = None) -> AsyncIterator[Outward]:
        """`private`, for tests and development, also takes plain HTTP and, unless `reaches` says less, any address."""
        allowed = reaches or (_anywhere if private else is_public)
        connector = aiohttp.TCPConnector(
            socket_factory=_guarded(allowed), use_dns_cache=False, force_close=True, happy_eyeballs_delay=None
        )
        jar: AbstractCookieJar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=jar, auto_decompress=False, headers=ALWAYS
        ) as session:
            yield cls(session, private=private)

    async def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, within: timedelta = WITHIN, most: int = MOST_BYTES
    ) -> Answered:
        """Follows a few redirects. Raises `NotReached`; an answer of any status is an answer."""
        async with _patience(within):
            there = self._checked(url)
            for _ in range(MOST_HOPS + 1):
                answered = await self._ask("GET", there, None, headers or {}, most)
                if answered.status not in MOVED or "Location" not in answered.headers:
                    return answered
                there = self._checked(answered.headers["Location"], there)
        raise NotReached(Failure.REDIRECTS)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, within: timedelta = WITHIN, most: int = MOST_BYTES
    ) -> Answered:
        """Follows no redirect. Raises `NotReached`; an answer of any status is an answer."""
        async with _patience(within):
            return await self._ask("POST", self._checked(url), body, headers, most)

    async def _ask(self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str], most: int) -> Answered:
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                read, whole = await _read(answer.content, most)
                return Answered(status=answer.status, headers=answer.headers, body=read, whole=whole)
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, RefusedAddress)
            raise NotReached(Failure.REFUSED if refused else Failure.UNREACHABLE) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:  # a name that cannot be looked up, such as a..b
            raise NotReached(Failure.MALFORMED) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotReached(Failure.UNREACHABLE) from error

    def _checked(self, address: str, base: URL | None = None) -> URL:
        try:
            url = URL(address) if base is None else base.join(URL(address))
        except ValueError as error:
            raise NotReached(Failure.MALFORMED) from error
        if url.scheme != "https" and not (self._private and url.scheme == "http"):
            raise NotReached(Failure.INSECURE)
        if not url.raw_host:
            raise NotReached(Failure.MALFORMED)
        return url


def _guarded(reaches: Reach) -> Callable[[aiohttp.AddrInfoType], socket.socket]:
    def make(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, there = found
        if not _is_allowed(str(there[0]), reaches):
            raise RefusedAddress("this address may not be connected to")
        return socket.socket(family=family, type=kind, proto=protocol)

    return make


def _is_allowed(address: str, reaches: Reach) -> bool:
    """What is no address in its ordinary spelling might be read as one by the system, so it is refused."""
    try:
        return reaches(ip_address(address))
    except ValueError:
        return False


def _inner(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def _anywhere(_: Address) -> bool:
    return True


@asynccontextmanager
async def _patience(within: timedelta) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except TimeoutError as error:
        raise NotReached(Failure.SLOW) from error


async def _read(content: aiohttp.StreamReader, most: int) -> tuple[bytes, bool]:
    read = bytearray()
    async for chunk in content.iter_chunked(16_384):
        read += chunk
        if len(read) > most:
            return bytes(read[:most]), False
    return bytes(read), True
