"""A planted word is found in whatever shape it comes out again; else the tests that look for it prove nothing."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote_plus

import pytest

from tests.support.marks import found_in

WORD = 'Quokkawörter "über" <alles> & 7f3a-Zyx'
INNER = json.dumps({"aa": WORD}, ensure_ascii=False)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize(
    "shape",
    [
        WORD,
        INNER,
        json.dumps({"aa": WORD}),
        json.dumps({"a": json.dumps({"a": WORD})}),
        repr({"a": WORD}),
        html.escape(WORD),
        quote_plus(WORD),
        base64.b64encode(INNER.encode()).decode(),
        base64.b64encode(f"z{INNER}".encode()).decode(),
        base64.urlsafe_b64encode(f"zz{WORD}zz".encode()).decode(),
        INNER.encode().hex(),
    ],
)
def test_a_word_is_found_in_every_shape(shape: str, before: int) -> None:
    assert len(found_in({"a log": f"{'x' * before}{shape}more".encode()}, [WORD])) >= 1


def test_a_word_that_is_not_there_is_not_found() -> None:
    assert found_in({"a log": b"Quokkaw", "another": b""}, [WORD]) == []
