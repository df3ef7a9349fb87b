"""Ids that derive from what they stand for, so that a repeated attempt meets its own earlier one."""

from __future__ import annotations

import base64
import hashlib

from services.booking.domain.appointment import AppointmentId


def appointment_id(practice: str, key: str) -> AppointmentId:
    """26 characters of a-z and 2-7; `key` is the client's idempotency key, or a random one."""
    return AppointmentId(base64.b32encode(_digest(practice, key)).decode().lower()[:26])


def client_ref(practice: str, phone: str) -> str:
    """The same client at the same practice; 20 hexadecimal digits that do not show the number."""
    return _digest(practice, phone).hex()[:20]


def fingerprint(*parts: str) -> str:
    """Equal for equal requests."""
    return _digest(*parts).hex()[:32]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
