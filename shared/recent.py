"""What this process wrote last, so that the next turn of the same thing may be tried without reading it first.

Only ever a guess: whoever decides on it must write under the version it carries, and read anew when that fails
or when there is nothing to write.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last `most` values by id."""

    def __init__(self, most: int = 2_000) -> None:
        self._most = most
        self._values: OrderedDict[str, Value] = OrderedDict()

    def keep(self, id_: str, value: Value) -> None:
        self._values[id_] = value
        self._values.move_to_end(id_)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def take(self, id_: str) -> Value | None:
        """Forgotten when taken; what is written next is kept again."""
        return self._values.pop(id_, None)
