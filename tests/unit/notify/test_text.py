"""Segments as the provider bills them, plain characters, placeholders, and no word about health."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.text import (
    CHEAP,
    EXTENDED,
    ForbiddenWord,
    Size,
    UnknownPlaceholder,
    fill,
    placeholders,
    plain,
    refuse_health,
    size,
)
from shared import lexicon

DIGITS = "1234567890" * 40
FROM_TWO = "2345678901" * 40
WINK, ITALY, RAINBOW = "\U0001f61c", "\U0001f1ee\U0001f1f9", "\U0001f3f3\ufe0f\u200d\U0001f308"
ACCENTS = "e\u0301\u0301\u0301"

# The published vectors of Twilio's message segment calculator, retold as sizes; its bits are 7 or 16 for each unit.
VECTORS = [
    (DIGITS[:160], Size("GSM-7", 160, 1)),
    (DIGITS[:161], Size("GSM-7", 161, 2)),
    (DIGITS[:307], Size("GSM-7", 307, 3)),
    *((char + DIGITS[:158], Size("GSM-7", 160, 1)) for char in "|^€{}[]~\\"),
    *((char + DIGITS[:159], Size("GSM-7", 161, 2)) for char in "|^€{}[]~\\"),
    (WINK + FROM_TWO[:68], Size("UCS-2", 70, 1)),
    (WINK + FROM_TWO[:69], Size("UCS-2", 71, 2)),
    (WINK + FROM_TWO[:133], Size("UCS-2", 135, 3)),
    (ITALY + FROM_TWO[:66], Size("UCS-2", 70, 1)),
    (ITALY + FROM_TWO[:67], Size("UCS-2", 71, 2)),
    (RAINBOW + FROM_TWO[:64], Size("UCS-2", 70, 1)),
    (RAINBOW + FROM_TWO[:65], Size("UCS-2", 71, 2)),
    *((char * 70, Size("UCS-2", 70, 1)) for char in "ÁÚúçíÍóÓ"),
    *((char * 71, Size("UCS-2", 71, 2)) for char in "ÁÚúçíÍóÓ"),
    ("\U0001f600" + "]" * 68, Size("UCS-2", 70, 1)),
    ("\U0001f600" + "]" * 69, Size("UCS-2", 71, 2)),
    ("|" * 24 + "{" + "|" * 28 + "\u221e" + "|" * 10 + "^" + "|" * 5, Size("UCS-2", 70, 1)),
    (ACCENTS + "a" * 66, Size("UCS-2", 70, 1)),
    (ACCENTS + "a" * 67, Size("UCS-2", 71, 2)),
    ("\rabcde\r\n123", Size("GSM-7", 11, 1)),
    ("\nabcde\n\n123\n", Size("GSM-7", 12, 1)),
    ("más", Size("UCS-2", 3, 1)),
    ("@\U0001f600", Size("UCS-2", 3, 1)),
    ("", Size("GSM-7", 0, 1)),
]


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_segments_are_counted_as_twilio_counts_them(text: str, expected: Size) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    ("before", "cluster", "after", "segments"),
    [
        ("a" * 152, "€", "a" * 151, 2),
        ("a" * 152, "€", "a" * 152, 3),
        ("ł" * 66, WINK, "ł" * 65, 2),
        ("ł" * 66, WINK, "ł" * 66, 3),
        ("ł" * 64, ITALY, "ł" * 63, 2),
        ("ł" * 64, ITALY, "ł" * 64, 3),
        ("ł" * 62, RAINBOW, "ł" * 61, 2),
        ("ł" * 62, RAINBOW, "ł" * 62, 3),
    ],
)
def test_what_is_read_as_one_is_not_split_over_two_segments(
    before: str, cluster: str, after: str, segments: int
) -> None:
    """It does not fit into what is left of the first segment, and leaves a hole there."""
    assert size(before + cluster + after).segments == segments


def by_the_book(text: str) -> tuple[str, int, int]:
    """An oracle of other making: the units written out one after the other, then cut from behind at the last seam.

    Of characters that are read one by one only: what clusters there are, `VECTORS` tell.
    """
    is_cheap = all(char in CHEAP for char in text)
    pieces = [(["esc", c] if c in EXTENDED else [c]) if is_cheap else _utf16(c) for c in text]
    alone, joined = (160, 153) if is_cheap else (70, 67)
    stream = [(n, unit) for n, piece in enumerate(pieces) for unit in piece]
    name, segments = "GSM-7" if is_cheap else "UCS-2", 0
    if len(stream) <= alone:
        return name, len(stream), 1
    units = len(stream)
    while stream:
        cut = min(joined, len(stream))
        while cut < len(stream) and stream[cut - 1][0] == stream[cut][0]:
            cut -= 1
        stream, segments = stream[cut:], segments + 1
    return name, units, segments


def _utf16(char: str) -> list[object]:
    encoded = char.encode("utf-16-be")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]


ALONE = st.text(
    st.one_of(st.sampled_from(sorted(CHEAP)), st.sampled_from("łżšāЖ漢字\U0001f600\U0001f33f\U00010400")), max_size=500
)


@given(st.one_of(st.text(sorted(CHEAP), max_size=500), ALONE))
def test_segments_are_those_of_an_oracle_that_cuts_the_stream(text: str) -> None:
    text = text.replace("\r", "")  # with a line feed it would be one cluster
    found = size(text)

    assert (found.encoding, found.units, found.segments) == by_the_book(text)


@given(st.text(max_size=300))
def test_more_text_never_takes_fewer_segments(text: str) -> None:
    assert size(text[:-1]).segments <= size(text).segments


def test_typographic_characters_become_plain_ones() -> None:
    assert (
        plain("2:30\u202fPM\u00a0\u201cyes\u201d \u2013 it\u2019s\u2026\r\nnow\u200b")
        == '2:30 PM "yes" - it\'s...\nnow'
    )


@pytest.mark.parametrize(
    ("kind", "plainly"),
    [("Zs", " "), ("Pd", "-"), ("Cf", ""), ("Zl", "\n"), ("Zp", "\n"), ("Pi", "'\""), ("Pf", "'\"")],
)
def test_every_space_dash_quote_and_unseen_character_of_unicode_has_a_plain_one(kind: str, plainly: str) -> None:
    every = [char for char in map(chr, range(0x110000)) if unicodedata.category(char) == kind]
    # Marks of old manuscripts that look like no quotation mark; what is left of them is refused on save.
    strange = [char for char in every if "\u2e00" <= char <= "\u2e2f"]

    assert every
    assert {plain(char) for char in every if char not in strange} <= {*plainly, ""} - ({""} if plainly else set())


def test_a_decomposed_letter_is_composed() -> None:
    assert plain("Cafe\u0301") == "Café"
    assert size(plain("Cafe\u0301")).encoding == "GSM-7"


def test_spanish_keeps_the_letters_of_the_alphabet_and_gives_up_the_accents_that_are_not_in_it() -> None:
    text = plain("¿Mañana? Él está aquí: número 1ª, ¡adiós, pingüino! ÁÍÓÚ áíóú ÉÑÜ éñü")

    assert text == "¿Mañana? Él esta aqui: numero 1a, ¡adios, pingüino! AIOU aiou ÉÑÜ éñü"
    assert size(text).encoding == "GSM-7"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\uff21\uff11", "A1"),
        ("\ufb01", "fi"),
        ("ç", "c"),
        ("Ç", "Ç"),
        ("ł", "ł"),
        ("漢", "漢"),
        ("й", "й"),
        ("½", "½"),
    ],
)
def test_only_what_has_a_plain_form_is_swapped(written: str, read: str) -> None:
    assert plain(written) == read


@given(st.text(max_size=60))
def test_plain_text_stays_as_it_is(text: str) -> None:
    once = plain(text)

    assert plain(once) == once
    assert "\r" not in once


@pytest.mark.parametrize("template", ["{name}", "{}", "{link", "link}", "{link.__class__}", "{date!r}"])
def test_only_listed_placeholders_are_allowed(template: str) -> None:
    with pytest.raises(UnknownPlaceholder):
        placeholders(template)


def test_a_value_is_never_read_as_a_placeholder() -> None:
    assert fill("{practice}: {date}", {"practice": "{date}", "date": "Wed"}) == "{date}: Wed"


@pytest.mark.parametrize(
    "text",
    [
        "your treatment",
        "Craniosacral",
        "declined",
        "was rejected",
        "your pain",
        "health",
        "massage",
        "Therapist",
        "screening",
        "aromatherapy",
        "my_therapy",
        "T\u200bherapy",
        "thera-py",
        "th.era/py",
        "thera_py",
        "m a s s a g e",
        "M.A.S.S.A.G.E.",
        "t-h-e-r-a-p-y",
        "stress",
        "acupuncture",
        "su cuerpo",
        "su sesión",
        "MASAJES",
        "dolor de espalda",
        "la salud",
    ],
)
def test_words_about_health_are_refused_in_every_language(text: str) -> None:
    with pytest.raises(ForbiddenWord):
        refuse_health(f"about {text} tomorrow")


@pytest.mark.parametrize(
    "text",
    [
        "a necklace from Spain",
        "un saludo",
        "sin cinturón",
        "coaching",
        "España",
        "rainy",
        "the rapid exit",
        "everybody",
        "check-in and/or e-mail",
        "at 9 a.m. in a b c",
    ],
)
def test_what_only_looks_like_a_word_about_health_is_not_refused(text: str) -> None:
    refuse_health(text)


def test_every_line_of_the_lexicon_finds_itself_and_is_in_order() -> None:
    for language in lexicon.LANGUAGES:
        stems = lexicon.stems(language)
        bare = [stem.strip("*$") for stem in stems]
        assert [lexicon.health_word(f"so {stem} it is") is None for stem in bare] == [False] * len(bare)
        assert bare == sorted(set(bare))
        assert [lexicon.folded(stem) for stem in bare] == bare
