"""The ledgers of consent and its refusal, in MongoDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.notify import documents
from services.notify.domain.consent import Entry
from services.notify.store.writing import TWICE
from shared.mongo import Database, Document, ensure

# Beside the practices' own ledgers of a number; no practice can have this name.
EVERY_PRACTICE: Final = "*"


class MongoContacts:
    """What a number said to all practices lies under its hidden name, what it said to one under the number."""

    def __init__(self, database: Database, hidden: Callable[[str], str]) -> None:
        self._contacts = database["contacts"]
        self._hidden = hidden

    @classmethod
    async def open(cls, database: Database, hidden: Callable[[str], str]) -> MongoContacts:
        of_number = IndexModel([("phone", ASCENDING)], name="of_number")
        await ensure(database["contacts"], [of_number, IndexModel([("entries.key", ASCENDING)], name="of_entry")])
        return cls(database, hidden)

    async def ledgers(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        to_all = {phone: self._hidden(phone) for _, phone in numbers}
        ids = {f"{practice}/{phone}" for practice, phone in numbers}
        ids |= {f"{EVERY_PRACTICE}/{name}" for name in to_all.values()}
        found = await self._contacts.find({"_id": {"$in": sorted(ids)}}).to_list(len(ids))
        kept = {(contact["practice"], contact["phone"]): _ledger(contact) for contact in found}
        joined = {
            number: kept.get(number, ()) + kept.get((EVERY_PRACTICE, to_all[number[1]]), ()) for number in numbers
        }
        return {number: ledger for number, ledger in joined.items() if ledger}

    async def of_number(self, phone: str) -> Sequence[Entry]:
        found = await self._contacts.find({"phone": {"$in": [phone, self._hidden(phone)]}}).to_list(None)
        return [entry for contact in found for entry in _ledger(contact)]

    async def enter(self, practice: str, phone: str, entry: Entry) -> None:
        contact = {"_id": f"{practice}/{phone}", "entries.key": {"$ne": entry.key}}
        names = {"practice": practice, "phone": phone}
        update = {"$push": {"entries": documents.of_entry(entry)}, "$setOnInsert": names}
        for upsert in TWICE:
            with suppress(DuplicateKeyError):
                await self._contacts.update_one(contact, update, upsert=upsert)
                return

    async def enter_everywhere(self, phone: str, entry: Entry) -> None:
        await self.enter(EVERY_PRACTICE, self._hidden(phone), entry)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        for appointment in appointments:
            await self._withdraw({"practice": practice}, f"^visit:{re.escape(appointment)}:")
        for phone in phones:
            await self._withdraw({"_id": f"{practice}/{phone}"}, "^waitlist:")

    async def _withdraw(self, of: Document, about: str) -> None:
        """Never emptied first: a ledger without entries would not be found again, and name a number for ever."""
        mine = of | {"entries.key": {"$regex": about}}
        others = {"$elemMatch": {"key": {"$not": {"$regex": about}}}}
        await self._contacts.delete_many({"$and": [mine, {"entries": {"$not": others}}]})
        await self._contacts.update_many(mine, {"$pull": {"entries": {"key": {"$regex": about}}}})


def _ledger(contact: Document) -> tuple[Entry, ...]:
    return tuple(documents.to_entry(entry) for entry in contact["entries"])
