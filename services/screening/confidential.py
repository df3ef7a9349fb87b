"""What only the practice may read, in the form in which it goes into the vault and comes out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from pydantic import ConfigDict, JsonValue, TypeAdapter

from services.screening.domain.assessment import Assessment
from services.screening.domain.case import Added, Case, Ruling, Submission
from services.screening.domain.history import History, Lasting
from services.screening.ports import Forgotten, KeyOwner, Vault

SILENT = ConfigDict(hide_input_in_errors=True)  # an error that is logged repeats nothing of what it could not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The answers as they were given, and what the rules made of them."""

    __pydantic_config__: ClassVar[ConfigDict] = SILENT

    answers: dict[str, JsonValue]
    assessment: Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceRecord:
    """Which health professional agreed, when, and how that is known."""

    given_by: str
    profession: str
    given_on: date
    form: Literal["verbal", "document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why a practitioner decided as they did, what they have to say to the client, and the days that they asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = SILENT

    note: str
    to_client: str = ""
    clearance: ClearanceRecord | None = None
    valid_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is kept of a client beyond one case."""

    __pydantic_config__: ClassVar[ConfigDict] = SILENT

    lasting: Lasting


_filled = TypeAdapter(Filled)
_reasons = TypeAdapter(Reasons)
_remembered = TypeAdapter(Remembered)


async def seal_words(vault: Vault, owner: KeyOwner, words: str) -> bytes:
    return await vault.seal(owner, words.encode())


async def words_of(vault: Vault, sealed: bytes) -> str:
    return (await vault.unseal(sealed)).decode()


async def all_words(vault: Vault, added: Iterable[Added]) -> tuple[str, ...]:
    return tuple([await words_of(vault, one.sealed) for one in added])


async def seal_filled(vault: Vault, case: Case, filled: Filled) -> bytes:
    return await vault.seal(KeyOwner.of_case(case), _filled.dump_json(filled))


async def filled_of(vault: Vault, submission: Submission) -> Filled:
    return _filled.validate_json(await vault.unseal(submission.sealed))


async def seal_reasons(vault: Vault, case: Case, reasons: Reasons) -> bytes:
    return await vault.seal(KeyOwner.of_case(case), _reasons.dump_json(reasons))


async def reasons_of(vault: Vault, ruling: Ruling) -> Reasons:
    return _reasons.validate_json(await vault.unseal(ruling.sealed))


async def seal_lasting(vault: Vault, history: History, lasting: Lasting) -> bytes:
    owner = KeyOwner.of_client(history.practice, history.ref)
    return await vault.seal(owner, _remembered.dump_json(Remembered(lasting=lasting)))


async def lasting_of(vault: Vault, history: History) -> Lasting:
    """Nothing, if the client was forgotten since it was read."""
    if history.sealed is None:
        return Lasting()
    try:
        return _remembered.validate_json(await vault.unseal(history.sealed)).lasting
    except Forgotten:
        return Lasting()
