"""Who may sign in and where one is signed in: the team for its owner, the own sessions for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.team import Newcomer, Team
from services.booking.console import devices, spoken
from services.booking.domain.team import LoginTaken, Role, SignInRefused, UserInvalid
from shared.console import OWNERS, Console, see
from shared.console.catalogue import SPOKEN
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

TEAM: Final = "/console/team"
SESSIONS: Final = "/console/sessions"
HERE_TEAM, HERE_SESSIONS = "/booking/console/team", "/booking/console/sessions"
REFUSES: Final = (UserInvalid, LoginTaken, SignInRefused)


@dataclass(frozen=True, slots=True)
class Members:
    booking: Booking
    team: Team
    console: Console

    def routes(self) -> Sequence[Route]:
        route = self.console.route
        return [
            route("GET", TEAM, self.show_team, "Who of the practice may sign in", OWNERS),
            route("POST", TEAM, self.add, "Let somebody sign in", OWNERS),
            route("POST", f"{TEAM}/{{user}}/off", self.switch_off, "Let somebody sign in no more", OWNERS),
            route("POST", f"{TEAM}/{{user}}/on", self.switch_on, "Let somebody sign in again", OWNERS),
            route("POST", f"{TEAM}/{{user}}/password", self.give_password, "A new password for somebody", OWNERS),
            route("GET", SESSIONS, self.show_sessions, "Where one is signed in"),
            route("POST", f"{SESSIONS}/{{session}}/end", self.end, "Sign out somewhere else"),
            route("POST", f"{SESSIONS}/others", self.end_others, "Sign out everywhere else"),
            route("POST", "/console/password", self.change_password, "Change the own password"),
            route("POST", "/console/language", self.speak, "The language of the own pages"),
        ]

    async def show_team(self, _: Ask[None, None], staff: Staff) -> Answer:
        return await self._team(staff)

    async def add(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """The password is shown once, on the page that answers: it is in no address and is kept nowhere."""
        form = ask.form
        try:
            role = Role(form.get("role", "")) if form.get("role") in set(Role) else None
            if role is None:
                raise UserInvalid("no such role", field="role")
            wish = Newcomer(
                name=form.get("name", ""),
                login=form.get("login", ""),
                role=role,
                practitioner=form.get("practitioner") or None,
                locale=staff.locale,
            )
            user, told = await self.team.add(staff.practice, wish)
        except REFUSES as refusal:
            return await self._team(staff, refusal.kind, form=form, problems=self._problems(staff, refusal))
        return await self._team(staff, shown=user, password=told)

    async def switch_off(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self.team.switch(staff.practice, ask.path["user"], off=True)
        return see(HERE_TEAM)

    async def switch_on(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self.team.switch(staff.practice, ask.path["user"], off=False)
        return see(HERE_TEAM)

    async def give_password(self, ask: Ask[None, None], staff: Staff) -> Answer:
        told = await self.team.give_password(staff.practice, ask.path["user"])
        known = next(user for user in await self.team.of(staff.practice) if user.id == ask.path["user"])
        return await self._team(staff, shown=known, password=told)

    async def show_sessions(self, _: Ask[None, None], staff: Staff) -> Answer:
        return await self._sessions(staff)

    async def end(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self.team.sign_out(staff.user, ask.path["session"])
        return see(HERE_SESSIONS)

    async def end_others(self, _: Ask[None, None], staff: Staff) -> Answer:
        await self.team.sign_out_others(staff.user, staff.session)
        return see(HERE_SESSIONS)

    async def change_password(self, ask: Ask[None, None], staff: Staff) -> Answer:
        try:
            await self.team.change_password(staff, ask.form.get("was", ""), ask.form.get("password", ""))
        except REFUSES as refusal:
            return await self._sessions(staff, 422, problems=self._problems(staff, refusal))
        return await self._sessions(staff, went_well=True)

    async def speak(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """From the next pass on, which is asked for at once."""
        if ask.form.get("locale") in SPOKEN:
            await self.team.speak(staff, ask.form["locale"])
        return see("/booking/console/renew?to=%2Fbooking%2Fconsole%2Fsessions")

    async def _team(self, staff: Staff, status: int = 200, **values: Any) -> Answer:
        practice = (await self.booking.profiles.get(staff.practice)).practice
        given = {"form": {}, "problems": {}, "shown": None, "password": "", **values}
        users = await self.team.of(staff.practice)
        people = practice.practitioners
        return self.console.show(
            "team.html", staff, status, here=HERE_TEAM, users=users, people=people, roles=list(Role), **given
        )

    async def _sessions(self, staff: Staff, status: int = 200, **values: Any) -> Answer:
        practice = (await self.booking.profiles.get(staff.practice)).practice
        told = partial(spoken.moment, zone=ZoneInfo(practice.zone), locale=staff.locale)
        named = {"browser_of": devices.browser, "device_of": devices.device, "told": told}
        given = {"problems": {}, "went_well": False, "spoken": SPOKEN, **named, **values}
        sessions = await self.team.sessions(staff.user)
        return self.console.show("sessions.html", staff, status, here=HERE_SESSIONS, sessions=sessions, **given)

    def _problems(self, staff: Staff, refusal: Refusal) -> dict[str, str]:
        field = str(refusal.extra.get("field", "name"))
        speak = self.console.translated(staff)
        if isinstance(refusal, UserInvalid):
            return {field: speak(f"refused:user-invalid:{field}")}
        return {field: self.console.refused(staff, refusal)}
