"""The look of a practice's pages: readable in both schemes or refused, and a logo that only draws."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking import profile
from services.booking.domain import branding_check, logo
from services.booking.domain.branding import DARK, LIGHT, Branding, Font, dark, light, stylesheet, version
from services.booking.domain.colour import contrast, mixed
from services.booking.domain.practice_check import InvalidPractice, check
from services.booking.outbox import practice_changed
from shared.page import STYLE
from tests.support.booking import TEN, a_house
from tests.support.booking_practices import PIXEL

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def told(branding: Branding) -> dict[str, str]:
    return dict(branding_check.problems("branding", branding))


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.478), ("#3d6657", "#3d6657", 1)]
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.001)


def test_the_tokens_are_those_of_the_stylesheet_of_all_pages() -> None:
    schemes = STYLE.partition("prefers-color-scheme: dark")
    for text, base in ((schemes[0], LIGHT), (schemes[2], DARK)):
        found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))
        assert {token: found[token] for token in base} == base


def test_without_colours_of_its_own_a_practice_has_no_stylesheet() -> None:
    assert (stylesheet(Branding()), version(Branding())) == ("", "")
    assert stylesheet(Branding(font=Font.SERIF)).startswith(":root {\n  --font: ui-serif")


@pytest.mark.parametrize(
    "branding", [Branding(ground="#eef3f7"), Branding(accent="#24507a"), Branding(dark_ground="#001122")]
)
def test_what_is_said_of_light_pages_is_said_of_dark_ones_too(branding: Branding) -> None:
    by_day, by_night = (re.findall(r"--([a-z-]+):", text) for text in stylesheet(branding).split("@media"))
    assert by_day == by_night != []


@given(st.builds(Branding, accent=COLOURS, ground=COLOURS | st.just(""), dark_accent=COLOURS | st.just("")))
@settings(max_examples=300, deadline=None)
def test_what_is_not_refused_can_be_read_in_both_schemes(branding: Branding) -> None:
    if told(branding):
        return
    for own in (light(branding), dark(branding)):
        for ground in ("ground", "paper", "tint"):
            assert min(contrast(own[text], own[ground]) for text in ("ink", "soft", "accent", "warn")) >= 4.5
        assert contrast(own["on-accent"], own["accent"]) >= 4.5
        assert contrast(own["edge"], own["paper"]) >= 3


@given(COLOURS)
@settings(max_examples=200, deadline=None)
def test_an_accent_that_is_dark_enough_needs_no_second_one_for_dark_pages(accent: str) -> None:
    dimmed = mixed(accent, "#000000", 0.75)
    assert told(Branding(accent=dimmed)) == {}
    assert dark(Branding(accent=dimmed))["accent"] != light(Branding(accent=dimmed))["accent"]


@pytest.mark.parametrize(
    ("branding", "field"),
    [
        (Branding(accent="#ffcc00"), "branding.accent"),
        (Branding(ground="#555555"), "branding.ground"),
        (Branding(dark_accent="#222222"), "branding.dark_accent"),
        (Branding(dark_ground="#f5f0e8"), "branding.dark_ground"),
        (Branding(accent="green"), "branding.accent"),
        (Branding(ground="#fff;}"), "branding.ground"),
    ],
)
def test_a_colour_on_which_nobody_can_read_is_refused_by_its_field(branding: Branding, field: str) -> None:
    assert list(told(branding)) == [field]


def test_the_version_is_another_one_when_the_look_is() -> None:
    looks = [Branding(), Branding(accent="#224466"), Branding(accent="#224466", font=Font.PLAIN)]
    assert len({version(look) for look in looks}) == 3
    assert version(replace(looks[1], logo=PIXEL)) == version(looks[1])


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (PIXEL, "image/png"),
        (base64.b64encode(b"RIFF\0\0\0\0WEBPVP8 ").decode(), "image/webp"),
        (packed('<?xml version="1.0"?>' + SVG.format('<g fill="url(#a)"><path d="M0 0"/></g>')), "image/svg+xml"),
        (packed(SVG.format("<path clip-path=\"url( '#b')\"/>")), "image/svg+xml"),
        (packed(SVG.format('<use xlink:href="#a" style="fill: #123456"/>')), "image/svg+xml"),
    ],
)
def test_a_picture_can_be_a_logo(file: str, kind: str) -> None:
    assert logo.opened(file)[0] == kind


@pytest.mark.parametrize(
    "file",
    [
        "not base64!",
        packed("just words"),
        packed("<html xmlns='http://www.w3.org/1999/xhtml'/>"),
        packed("<svg/>"),
        packed(SVG.format("<script>alert(1)</script>")),
        packed(SVG.format('<path onload="alert(1)"/>')),
        packed(SVG.format('<use xlink:href="https://a.example/x.svg#a"/>')),
        packed(SVG.format('<use href="data:image/svg+xml,x"/>')),
        packed(SVG.format('<path style="fill: url(https://a.example/)"/>')),
        packed(SVG.format('<path style="fill: u\\72l(https://a.example/)"/>')),
        packed(SVG.format("<style>@import 'https://a.example'</style>")),
        packed(SVG.format('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>')),
        packed(SVG.format('<path><set attributeName="href" to="javascript:1"/></path>')),
        packed('<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("<text>&a;</text>")),
        packed('<?xml-stylesheet href="https://a.example/"?>' + SVG.format("")),
        packed(SVG.format("<title>" + "a" * 50_000 + "</title>")),
        base64.b64encode(SVG.format("").encode("utf-16")).decode(),
    ],
)
def test_what_does_more_than_draw_is_no_logo(file: str) -> None:
    assert list(told(Branding(logo=file))) == ["branding.logo"]


@pytest.mark.parametrize("site", ["https://www.a.example", "https://a.example:8443", "http://localhost:8000"])
def test_a_site_is_an_origin(site: str) -> None:
    check(a_house(sites=(site,)))


@pytest.mark.parametrize(
    "site",
    ["http://a.example", "https://*.a.example", "https://a.example/", "https://a.example; script-src *", "'self'", "*",
     "https://", "https://a.example\n", "https://u@a.example", "http://localhost.a.example", "data:", "https://A.example"],
)  # fmt: skip
def test_what_is_more_or_less_than_an_origin_is_refused(site: str) -> None:
    with pytest.raises(InvalidPractice, match=r"^sites\[0\]"):
        check(a_house(sites=(site,)))


def test_the_audit_keeps_no_picture_and_sees_another_one() -> None:
    house = a_house(branding=Branding(logo=PIXEL))
    assert profile.as_json(house)["branding"]["logo"] == PIXEL
    assert len(profile.as_told(house)["branding"]["logo"]) == 12


def test_the_others_are_told_the_sites_and_the_version_of_the_look() -> None:
    plain = practice_changed(a_house(), version=1, at=TEN).data
    told = practice_changed(
        a_house(sites=("https://a.example",), branding=Branding(accent="#224466")), version=1, at=TEN
    )
    assert (plain.sites, plain.theme) == (None, None)
    assert told.data.sites == ("https://a.example",)
    assert told.data.theme == version(Branding(accent="#224466"))
