"""The file of a posted form is found in no time, whatever else somebody puts around it."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.screening.domain.files import LARGEST_FILE
from services.screening.page.continuing import file_in
from shared.httpkit import Ask

PDF = b"%PDF-1.7\r\n\r\n a line with --xx in it\r\n"
FIELD = b'--xx\r\nContent-Disposition: form-data; name="words"\r\n\r\nhello\r\n'


def posted(content: bytes, boundary: str = "xx") -> Ask[Any, Any]:
    kind = f"multipart/form-data; boundary={boundary}"
    return cast("Ask[Any, Any]", SimpleNamespace(content=content, headers={"Content-Type": kind}))


def form(content: bytes) -> bytes:
    head = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf'
    return head + b"\r\n\r\n" + content + b"\r\n--xx--\r\n"


@pytest.mark.parametrize("content", [PDF, b"", b"\x00\xff\r\n\n", os.urandom(1000)], ids=["pdf", "none", "odd", "any"])
@pytest.mark.parametrize("before", [b"", FIELD, FIELD * 3], ids=["alone", "after-one", "after-three"])
def test_the_file_is_what_was_sent_to_the_byte(content: bytes, before: bytes) -> None:
    assert file_in(posted(before + form(content))) == content
    assert file_in(posted(before + form(content), '"xx"')) == content


@pytest.mark.parametrize("content", [b"", b"hello", FIELD + b"--xx--", form(PDF).replace(b"filename", b"name")])
def test_without_a_file_there_is_none(content: bytes) -> None:
    assert file_in(posted(content)) == b""
    assert file_in(posted(form(PDF), "")) == b""


NESTED = b"".join(b"--%b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (b"xx", n) for n in range(3000))


@pytest.mark.parametrize(
    "content",
    [form(b"\n" * LARGEST_FILE), b"--xx\r\n\r\n" * (LARGEST_FILE // 8), NESTED, b"\r\n--xx" * (LARGEST_FILE // 6)],
    ids=["lines", "parts", "nested", "boundaries"],
)
def test_nobody_else_waits_for_what_was_made_to_take_long(content: bytes) -> None:
    """Read by a parser, the second of them took over a minute."""
    began = time.perf_counter()
    file_in(posted(content))
    assert time.perf_counter() - began < 0.5
