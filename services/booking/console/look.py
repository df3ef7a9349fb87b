"""How the pages that clients see look, for the practice's owners: colours, letters, a logo, and who may embed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.booking.console.fields import Field, Group, Kind, Speak, Values, lines
from services.booking.console.sheets import Desk, Sheet
from services.booking.domain import branding
from services.booking.domain.branding import Branding, Font
from services.booking.domain.practice import Practice
from shared.assets import Asset
from shared.console import OWNERS
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

PATH: Final = "/console/look"
SCRIPT: Final = Asset.read(Path(__file__).parent / "static" / "logo.js")
SCRIPT_PATH: Final = "/console/logo.js"
COLOURS: Final = ("accent", "ground", "dark_accent", "dark_ground")
GROUPS: Final = (
    Group(
        "",
        (
            Field(name="accent", most=7),
            Field(name="ground", most=7),
            Field(name="font", kind=Kind.CHOICE),
            Field(name="logo", most=68_000, is_apart=True),
            Field(name="no_logo", kind=Kind.TICK, is_apart=True),
        ),
    ),
    Group("dark", (Field(name="dark_accent", most=7), Field(name="dark_ground", most=7))),
    Group("sites", (Field(name="sites", kind=Kind.PROSE, most=4000),)),
)


@dataclass(frozen=True, slots=True)
class LookPage:
    desk: Desk

    def routes(self) -> Sequence[Route]:
        route = self.desk.console.route
        return [
            route("GET", PATH, self.show, "How the clients' pages look", OWNERS),
            route("POST", PATH, self.save, "Change how the clients' pages look", OWNERS),
            SCRIPT.route(SCRIPT_PATH, "What reads a logo into the form, and offers colours to pick"),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.show(ask, staff, lambda practice: self._sheet(practice, staff))

    async def save(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.save(ask, staff, lambda practice: self._sheet(practice, staff))

    def _sheet(self, practice: Practice, staff: Staff) -> Sheet:
        speak: Speak = self.desk.console.translated(staff)
        look = practice.branding
        version = branding.logo_version(look)
        colours = {name: getattr(look, name) for name in COLOURS}
        return Sheet(
            part="look",
            title="",
            groups=GROUPS,
            kept=colours | {"font": look.font.value, "logo": "", "no_logo": False, "sites": practice.sites},
            changed=_changed,
            field_of=lambda path: path.rpartition(".")[2].partition("[")[0],
            choices={"font": [(one.value, speak(f"font:{one.value}")) for one in Font]},
            more={
                "script": f"/booking{SCRIPT_PATH}?v={SCRIPT.version}",
                "logo": f"/booking/book/{practice.id}/logo?v={version}" if version else "",
                "usual": _in_use(look),
            },
        )


def _in_use(look: Branding) -> Mapping[str, str]:
    """The colours of the pages as they are, where none is chosen too."""
    light, dark = branding.light(look), branding.dark(look)
    return {name: (dark if name.startswith("dark_") else light)[name.removeprefix("dark_")] for name in COLOURS}


def _changed(practice: Practice, values: Values) -> Practice:
    """Without a new file the logo stays, unless it is to go."""
    old = practice.branding
    logo = values["logo"] or ("" if values["no_logo"] else old.logo)
    colours = {name: values[name].lower() for name in COLOURS}
    look = replace(old, **colours, font=Font(values["font"]), logo=logo)
    sites = tuple(site.rstrip("/") for site in lines(values["sites"]))
    changed: Practice = replace(practice, branding=look, sites=sites)
    return changed
