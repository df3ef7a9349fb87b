"""The envelope of every event (CloudEvents 1.0, structured JSON) and the registry of all of them.

Naming: `<service>.<aggregate>.<fact>.v<n>`, past tense; the name is also the routing key. Within a
version changes are additive only: a new optional field, never a removed, renamed or narrowed one;
anything else is a new class with the next version, said beside the old one until nobody hears it.
Each event carries the whole snapshot that its hearers need, so that nobody ever asks back. Never on an
event: an answer, a reason or note code, urgency, a visit reason, a date of birth, free text.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

CONTENT_TYPE = "application/cloudevents+json"


class Contract(BaseModel):
    """Base of everything that crosses the broker: unknown fields of a newer minor version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """One fact. Subclasses set `name`; being defined registers them."""

    name: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            _registry[cls.name] = cls


_registry: dict[str, type[Event]] = {}


@cache
def registry() -> dict[str, type[Event]]:
    """Every event of the product by name."""
    from shared.events import booking, notify, screening  # noqa: F401, PLC0415  importing is registering

    return dict(sorted(_registry.items()))


Sequence = Annotated[int, Field(ge=1)]
Fact = TypeVar("Fact", bound=Event)


class Envelope(Contract, Generic[Fact]):
    """CloudEvents 1.0 in structured JSON mode, with the extensions `practice`, `sequence` and `traceparent`.

    `id` is `<subject>:<sequence>:<fact>`, so the same fact has the same id however often it is said.
    `sequence` is the version of the aggregate after the write that the event rode in.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    practice: str
    sequence: Sequence
    traceparent: str | None = None
    data: Fact

    def to_json(self) -> bytes:
        return self.written

    @cached_property
    def written(self) -> bytes:
        """Made once, for it is stored and then published."""
        return self.model_dump_json(exclude_none=True).encode()


def envelope(
    event: Fact, *, subject: str, practice: str, sequence: int, at: datetime, traceparent: str | None = None
) -> Envelope[Fact]:
    """Put a fact into its envelope; `at` is when it became true."""
    service, _, fact = event.name.partition(".")
    kind: type[Envelope[Fact]] = Envelope[type(event)]  # type: ignore[misc, assignment]  # known at run time only
    return kind(
        id=f"{subject}:{sequence}:{fact.rpartition('.')[0]}",
        source=f"/stillpoint/{service}",
        type=event.name,
        subject=subject,
        time=at,
        practice=practice,
        sequence=sequence,
        traceparent=traceparent,
        data=event,
    )


class UnknownEvent(ValueError):
    """The name is not in the registry: made by a newer version, or by nobody."""


def decode(name: str, body: bytes) -> Envelope[Event]:
    """Read one message. Raises `UnknownEvent`, or pydantic's `ValidationError` for any body that does not fit."""
    kind = registry().get(name)
    if kind is None:
        raise UnknownEvent(name)
    return Envelope[kind].model_validate_json(body)  # type: ignore[valid-type]  # the class is known at run time only
