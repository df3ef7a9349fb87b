"""Ids that derive from what they stand for, so that a repeated attempt meets its own earlier one."""

from __future__ import annotations

import base64
import hashlib

from services.booking.domain.appointment import AppointmentId


def appointment_id(practice: str, key: str) -> AppointmentId:
    """26 characters of a-z and 2-7; `key` is the client's idempotency key, or a random one."""
    return AppointmentId(base64.b32encode(_digest(practice, key)).decode().lower()[:26])


def course_id(practice: str, key: str) -> str:
    """As an appointment's, and never one of them."""
    return base64.b32encode(_digest("course", practice, key)).decode().lower()[:26]


def seat_id(course: str, index: int) -> AppointmentId:
    """The visit at a place of a course, so that the first is found without being looked for."""
    return AppointmentId(base64.b32encode(_digest("seat", course, str(index))).decode().lower()[:26])


def ask_id(practice: str, kind: str, ref: str, key: str) -> str:
    """26 characters of a-z and 2-7; a key counts for what it was shown for."""
    return base64.b32encode(_digest("ask", practice, kind, ref, key)).decode().lower()[:26]


def client_ref(practice: str, phone: str) -> str:
    """The same client at the same practice; 20 hexadecimal digits that do not show the number."""
    return _digest(practice, phone).hex()[:20]


def fingerprint(*parts: str) -> str:
    """Equal for equal requests."""
    return _digest(*parts).hex()[:32]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
