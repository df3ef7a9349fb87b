"""Words that are planted as answers, and looked for in whatever shape they might come out again."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus


def shapes(word: str) -> frozenset[bytes]:
    """As it is, escaped for JSON, HTML, Python and addresses, and as base64 and hexadecimal wherever it may begin."""
    texts = {
        word,
        json.dumps(word)[1:-1],
        json.dumps(word, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(word))[3:-3],
        html.escape(word),
        repr(word)[1:-1],
        ascii(word)[1:-1],
        quote(word),
        quote_plus(word),
    }
    plain = {text.encode() for text in texts} | {word.encode("utf-16-le"), word.encode("utf-16-be")}
    return frozenset(plain | {shape for one in plain for shape in _encoded(one)})


def found_in(places: Mapping[str, bytes], words: Iterable[str]) -> list[str]:
    """Which word was found where, and around it what else is there."""
    return sorted(_finds(places, words))


def _finds(places: Mapping[str, bytes], words: Iterable[str]) -> Iterator[str]:
    for word in words:
        for shape in shapes(word):
            for place, content in places.items():
                at = content.find(shape)
                if at >= 0:
                    yield f"{word!r} in {place}: {content[max(0, at - 60) : at + 80]!r}"


def _encoded(plain: bytes) -> Iterator[bytes]:
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from (_inner(encode(b"x" * before + plain), before) for before in range(3))


def _inner(encoded: bytes, before: int) -> bytes:
    """Without the signs at both ends that depend on what stands beside it."""
    begin = -(-before * 8 // 6)
    return encoded[begin : len(encoded.rstrip(b"=")) - 1]
