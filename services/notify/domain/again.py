"""The same words once more, for somebody who lost the text: a text of its own, which knows whose copy it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from services.notify.domain.delivery import Message, State, Turn, original
from services.notify.domain.notice import NoticeKind
from shared.errors import Kind, Refusal

MOST_A_DAY: Final = 3
DAY: Final = timedelta(days=1)
SAID: Final = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED})


class NotToBeResent(Refusal):
    """The text was not sent yet or not in the end, is on its way, answered a text of the client's, or is of no use."""

    slug: ClassVar[str] = "not-to-be-resent"
    kind: ClassVar[Kind] = Kind.CONFLICT


class ResentOften(Refusal):
    """The client was given these words again as often as is allowed in a day."""

    slug: ClassVar[str] = "resent-often"
    kind: ClassVar[Kind] = Kind.CONFLICT


def resent(first: Message, beside: Sequence[Message], *, at: datetime, code: str, why: str) -> Message:
    """A new text in the words of `first`; `beside` are the texts of its visit or offer, its earlier copies among them.

    It is judged like any other before it goes, by what `first` stands for in the plan.
    """
    copies = [text for text in beside if text.id != first.id and original(text.id) == first.id]
    _refuse(first, copies, at)
    number = max((int(text.id.removeprefix(f"{first.id}~")) for text in copies), default=0) + 1
    return Message(
        id=f"{first.id}~{number}",
        practice=first.practice,
        appointment=first.appointment,
        step=first.step,
        template=first.template,
        code=code,
        to=first.to,
        version=first.version,
        planned_for=at,
        due=at,
        not_after=first.not_after,
        validity=first.validity,
        notice=first.notice,
        turns=(Turn(State.PLANNED, at, why),),
    )


def _refuse(first: Message, copies: Sequence[Message], at: datetime) -> None:
    if first.state not in SAID:
        raise NotToBeResent(f"the text is {first.state.value}; one that failed is retried")
    if any(text.due is not None for text in (first, *copies)):
        raise NotToBeResent("the text, or its last copy, is still on its way")
    if first.asked_at is not None or (first.notice is not None and first.notice.kind is NoticeKind.CODE):
        raise NotToBeResent("the text answered the client at that moment")
    if at >= first.not_after:
        raise NotToBeResent("the text is of no use any more")
    if sum(at - text.planned_for < DAY for text in copies) >= MOST_A_DAY:
        raise ResentOften(f"these words were sent again {MOST_A_DAY} times within a day")
