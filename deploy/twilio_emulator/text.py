"""How many segments a text takes on the air: GSM 03.38 packs 160 characters, anything else makes it UCS-2."""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")


def segments(body: str) -> int:
    """At least one; a concatenated text loses room to its header (153 septets or 67 UTF-16 units each).

    A pair (escape and character, or a surrogate pair) is not split over two segments.
    """
    if all(character in BASIC or character in EXTENDED for character in body):
        return _count([2 if character in EXTENDED else 1 for character in body], alone=160, joined=153)
    return _count([len(character.encode("utf-16-le")) // 2 for character in body], alone=70, joined=67)


def _count(widths: list[int], *, alone: int, joined: int) -> int:
    if sum(widths) <= alone:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > joined:
            count, used = count + 1, 0
        used += width
    return count
