"""Screening on twins over several visits of several clients, with a clock that can be moved."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from services.screening.actions import (
    Casework,
    Clients,
    Memory,
    Recognised,
    Returning,
    Reviews,
    Screening,
    Submitting,
    Word,
)
from services.screening.confidential import ClearanceRecord, Filled
from services.screening.domain.case import Case, Request, Verdict
from services.screening.domain.told import Told
from shared.tokens import Tokens
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE, STAFF

REF, OTHER_REF, THIRD_REF = "c" * 20, "d" * 20, "e" * 20
NOTE = "Looked at together, all well."
TOKENS = Tokens("signing-" + "s" * 32)
BORN = date(1980, 5, 4)


class House:
    """What outlives a process; every call is made by a process of its own."""

    def __init__(self) -> None:
        self.cases, self.histories, self.vault = twin.CaseTwin(), twin.HistoryTwin(), twin.VaultTwin()
        self.merges, self.asks, self.holds = twin.MergeTwin(), twin.AskTwin(), twin.HoldTwin()
        self.now = NOW

    @property
    def casework(self) -> Casework:
        return twin.casework(self.cases, vault=self.vault, now=self.now)

    @property
    def memory(self) -> Memory:
        return Memory(self.casework, self.histories)

    @property
    def screening(self) -> Screening:
        return Screening(self.casework, self.submitting)

    @property
    def returning(self) -> Returning:
        return Returning(self.casework, self.submitting, merges=self.merges, tokens=TOKENS)

    @property
    def submitting(self) -> Submitting:
        casework = self.casework
        return Submitting(casework, Memory(casework, self.histories))

    @property
    def clients(self) -> Clients:
        memory = self.memory
        return Clients(self.casework, merges=self.merges, asks=self.asks, holds=self.holds, memory=memory)

    def passes(self, span: timedelta) -> None:
        self.now += span

    async def request(
        self, appointment: str, *, ref: str = REF, form: str = "cst-core", starts_at: datetime | None = None
    ) -> None:
        await self.screening.take_request(
            appointment,
            PRACTICE,
            Request(service="session", form=form),
            starts_at=starts_at or self.now + timedelta(days=7),
            sequence=2,
            client=ref,
        )

    async def answer(self, appointment: str, answers: dict[str, Any], *, form: str = "cst-core") -> Told:
        return await self.screening.take_answers(
            appointment, PRACTICE, questionnaire=form, answers=answers, locale=None
        )

    async def visit(self, appointment: str, answers: dict[str, Any], **asked: Any) -> Case:
        """Request first."""
        await self.request(appointment, **asked)
        await self.answer(appointment, answers, form=asked.get("form", "cst-core"))
        return self.case(appointment)

    async def approve(self, appointment: str, *, days: int = 90) -> None:
        record = ClearanceRecord(given_by="Dr Who", profession="GP", given_on=self.now.date(), form="verbal")
        word = Word(verdict=Verdict.APPROVE, note=NOTE, by="operator", clearance=record, valid_days=days)
        version = self.case(appointment).version
        await Reviews(self.casework).rule(appointment, word, version=version, hand=STAFF)

    async def recognise(self, appointment: str, dob: date = BORN) -> Recognised | None:
        return await self.returning.recognise(appointment, PRACTICE, dob=dob)

    async def unchanged(self, appointment: str, proof: str, *, signs: tuple[str, ...] = ("none",)) -> Told:
        return await self.returning.unchanged(appointment, PRACTICE, proof=proof, red_flags=list(signs), locale=None)

    async def erase(self, ask: str, *appointments: str, refs: tuple[str, ...] = (REF,)) -> None:
        await self.clients.erase(ask, PRACTICE, appointments=appointments, refs=refs, at=self.now)

    def case(self, appointment: str) -> Case:
        return self.cases.kept[appointment]

    async def filled(self, appointment: str) -> Filled:
        filled = await self.casework.filled(self.case(appointment))
        assert filled is not None
        return filled

    async def reasons(self, appointment: str) -> tuple[str, ...]:
        return (await self.filled(appointment)).assessment.reason_codes


def id_of(number: int) -> str:
    """A visit's id."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(letters[number // 32**place % 32] for place in range(26))
