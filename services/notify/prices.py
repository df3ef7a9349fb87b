"""What a segment costs in a country, as far as it is known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True)
class Price:
    """Of so many segments: from `least` to `most`, by carrier, as it was `as_of` that day."""

    least: Decimal
    most: Decimal
    currency: str
    as_of: date

    def times(self, segments: int) -> Price:
        return Price(self.least * segments, self.most * segments, self.currency, self.as_of)


def load(file: Path = FILE) -> Mapping[str, Price]:
    told = tomllib.loads(file.read_text("utf-8"))
    return {
        country: Price(Decimal(one["least"]), Decimal(one["most"]), told["currency"], told["as_of"])
        for country, one in told["segment"].items()
    }


PRICES: Final = load()
