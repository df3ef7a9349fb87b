"""Appointments as this process last wrote them: a turn decided on one needs no read when nobody else wrote since."""

from __future__ import annotations

from collections import OrderedDict

from services.booking.domain.appointment import Appointment, AppointmentId


class Recent:
    """May be out of date at any time: whoever decides on it must save under its version, and else look anew."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[AppointmentId, Appointment] = OrderedDict()

    def keep(self, written: Appointment) -> None:
        self._known[written.id] = written
        self._known.move_to_end(written.id)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def take(self, id_: AppointmentId) -> Appointment | None:
        """Forgotten when taken; what is written next is kept again."""
        return self._known.pop(id_, None)
