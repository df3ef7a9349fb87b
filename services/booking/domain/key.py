"""A key of the API: what it opens, for which practice and how long, and how it is told from a wrong one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.booking.domain.audit import Entry
from shared.errors import Kind, Refusal

SHOWN: Final = re.compile(r"sk_([a-z2-7]{16})_[A-Za-z0-9_-]{43}")
HOLDER: Final = "key:"
ID_BYTES: Final = 10
SECRET_BYTES: Final = 32


class Scope(StrEnum):
    """What a key may do; writing does not include reading."""

    PRACTICE_READ = "practice:read"
    PRACTICE_WRITE = "practice:write"
    VISITS_READ = "visits:read"
    VISITS_WRITE = "visits:write"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_WRITE = "keys:write"


class ScopeMissing(Refusal):
    """The key is good, and not for this."""

    slug = "scope-missing"
    kind = Kind.FORBIDDEN


class OutOfReach(Refusal):
    """Nothing of this address belongs to the practice of the key, whether or not it exists elsewhere."""

    slug = "out-of-reach"
    kind = Kind.NOT_FOUND


class NoSuchKey(Refusal):
    """The practice has no key of this id."""

    slug = "no-such-key"
    kind = Kind.NOT_FOUND


class EndsTooLate(Refusal):
    """A key ends in the future, and no later than the key it is made with."""

    slug = "expiry-not-possible"
    kind = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`digest` is all that is kept of the secret; `used_at` is right to a few minutes; `changed` is for the audit."""

    id: str
    practice: str
    name: str
    scopes: tuple[Scope, ...]
    digest: str
    made_by: str
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    changed: Entry | None = None

    @property
    def holder(self) -> str:
        """Whoever shows this key, as the audit names them."""
        return HOLDER + self.id

    def is_proven_by(self, shown: str, now: datetime) -> bool:
        fits = hmac.compare_digest(self.digest, digest(shown))
        return fits and self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def written(id_: bytes, secret: bytes) -> str:
    """The key as its holder shows it: `ID_BYTES` and `SECRET_BYTES` of randomness."""
    return f"sk_{base64.b32encode(id_).decode().lower()}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"


def id_of(shown: str) -> str | None:
    """None for whatever is no key at all, such as an appointment's token."""
    read = SHOWN.fullmatch(shown)
    return None if read is None else read[1]


def digest(shown: str) -> str:
    """Of 256 random bits, so nothing slower than a hash is called for."""
    return hashlib.sha256(shown.encode()).hexdigest()


def check_gift(giver: Key, scopes: tuple[Scope, ...], expires_at: datetime | None) -> None:
    """No key makes one that opens more than itself, or for longer."""
    more = sorted(set(scopes) - set(giver.scopes))
    if more:
        raise ScopeMissing(f"a key cannot give what it has not: {', '.join(more)}")
    if giver.expires_at is not None and (expires_at is None or expires_at > giver.expires_at):
        raise EndsTooLate("a key cannot make one that outlives it", field="expires_at")
