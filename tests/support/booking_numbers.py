"""The twin of the proofs of numbers, and a code that is always the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.booking.domain.client import Subject
from services.booking.domain.proof import Proof
from shared.events import Envelope
from shared.relay import Said

CODE = "042042"


class MemoryNumbers:
    def __init__(self) -> None:
        self.kept: dict[str, Proof] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, proof: str) -> Proof | None:
        await asyncio.sleep(0)
        return self.kept.get(proof)

    async def save(self, proof: Proof, said: Said) -> bool:
        await asyncio.sleep(0)
        stored = self.kept.get(proof.id)
        if (0 if stored is None else stored.version) != proof.version - 1:
            return False
        self.kept[proof.id] = proof
        self.said.extend(said)
        return True

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        found = [self.kept[ref] for ref in subject.proofs if ref in self.kept]
        return [
            {"codes_asked_at": [at.isoformat() for at in one.asked], "proven": one.proven_at is not None}
            for one in found
        ]

    async def forget(self, subject: Subject) -> None:
        for ref in subject.proofs:
            self.kept.pop(ref, None)
