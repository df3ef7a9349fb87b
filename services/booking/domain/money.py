"""How many digits of a currency stand behind the point."""

from __future__ import annotations

from typing import Final

_NO_MINOR: Final = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})
_THREE_MINOR: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def digits(currency: str) -> int:
    return 0 if currency in _NO_MINOR else 3 if currency in _THREE_MINOR else 2
