"""What can be made to go wrong, for whom, how often: switched on over the control API, used up as it happens."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from deploy.twilio_emulator.message import Status

Door = Literal["create", "list", "fetch"]


class Kind(StrEnum):
    TOO_MANY_REQUESTS = "429"
    ERROR_BEFORE = "500-before"
    ERROR_AFTER = "500-after"
    TIMEOUT_AFTER = "timeout-after"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    EMPTY = "empty-201"
    HTML = "html-201"
    SLOW = "slow"
    LOST_CALLBACK = "lost-callback"
    DUPLICATE_CALLBACK = "duplicate-callback"
    UNORDERED_CALLBACKS = "unordered-callbacks"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    STUCK = "stuck"
    LATE_IN_LIST = "late-in-list"


ON_DELIVERY = frozenset(
    {
        Kind.LOST_CALLBACK,
        Kind.DUPLICATE_CALLBACK,
        Kind.UNORDERED_CALLBACKS,
        Kind.UNDELIVERED,
        Kind.FAILED,
        Kind.STUCK,
        Kind.LATE_IN_LIST,
    }
)


class Fault(BaseModel):
    """One thing that goes wrong: the next `times` times (null: until removed) that it applies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    times: int | None = Field(1, ge=1)
    chance: float = Field(1.0, gt=0, le=1, description="Probability with which it happens when it applies")
    to: str | None = Field(None, description="Only for texts to this number")
    on: Door = Field("create", description="Which request it spoils; faults of delivery always follow a create")
    seconds: float = Field(30.0, ge=0, le=3600, description="How long slow, timeout-after and late-in-list last")
    retry_after: int | None = Field(1, ge=0, description="Seconds named by a 429; null leaves the header out")
    code: int = Field(30003, description="Error code of undelivered and failed")
    statuses: tuple[Status, ...] = Field((), description="Callbacks that are lost or doubled; none named: all")

    def hits(self, status: Status) -> bool:
        return not self.statuses or status in self.statuses


class Faults:
    """`dice` gives numbers in [0, 1)."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice
        self._last = 0
        self._armed: dict[int, Fault] = {}

    def add(self, fault: Fault) -> int:
        self._last += 1
        self._armed[self._last] = fault
        return self._last

    def armed(self) -> dict[int, Fault]:
        return dict(self._armed)

    def remove(self, number: int) -> bool:
        return self._armed.pop(number, None) is not None

    def clear(self) -> None:
        self._armed.clear()

    def of_request(self, on: Door, to: str | None) -> Fault | None:
        """The oldest armed fault that spoils this request, used up by one."""
        for number, fault in self._armed.items():
            if fault.kind not in ON_DELIVERY and fault.on == on and self._applies(fault, to):
                return self._use(number)
        return None

    def of_delivery(self, to: str) -> dict[Kind, Fault]:
        """Everything that shall befall a text to this number, each used up by one."""
        numbers = [n for n, fault in self._armed.items() if fault.kind in ON_DELIVERY and self._applies(fault, to)]
        return {fault.kind: fault for fault in map(self._use, numbers)}

    def _applies(self, fault: Fault, to: str | None) -> bool:
        return fault.to in {None, to} and (fault.chance == 1 or self._dice() < fault.chance)

    def _use(self, number: int) -> Fault:
        fault = self._armed[number]
        if fault.times == 1:
            del self._armed[number]
        elif fault.times:
            self._armed[number] = fault.model_copy(update={"times": fault.times - 1})
        return fault
