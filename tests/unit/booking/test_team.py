"""Signing in: one right password, a wait after too many wrong ones, and sessions that can be seen and ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.booking.actions.team import Newcomer, Team
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.team import (
    FIRST_WAIT,
    IDLE_LASTS,
    LONGEST_WAIT,
    SESSION_LASTS,
    SLIPS,
    LastOwner,
    LockedOut,
    LoginTaken,
    NoSuchUser,
    Role,
    SignInRefused,
    User,
    UserInvalid,
)
from services.booking.passwords import Argon2
from shared.staff import Staff
from tests.support.booking import House
from tests.support.booking_team import PlainPasswords

PRACTICE, LOGIN = "still-water", "ana@still.example"
RIGHT = "correct horse battery"


class Office:
    def __init__(self) -> None:
        self.house = House()
        self.team = Team(self.house.stores, PlainPasswords(), self.house.time)

    async def opened(self, **wish: object) -> User:
        asked = {"name": "Ana", "login": LOGIN, "role": Role.OWNER} | wish
        user, _ = await self.team.add(PRACTICE, Newcomer(**asked), RIGHT)  # type: ignore[arg-type]  # by name
        return user

    async def sign_in(self, password: str = RIGHT, login: str = LOGIN) -> str:
        return await self.team.sign_in(login, password, agent="Firefox on a phone")

    async def who(self, shown: str) -> Staff:
        staff = await self.team.staff(shown)
        assert staff is not None
        return staff


async def test_who_signs_in_is_known_by_what_the_browser_shows_and_nothing_of_it_is_kept() -> None:
    office = Office()
    user = await office.opened(login=" Ana@Still.example ", practitioner=None, locale="es")
    shown = await office.sign_in()
    staff = await office.who(shown)

    assert (staff.user, staff.name, staff.practice, staff.role.value) == (user.id, "Ana", PRACTICE, "owner")
    assert (staff.locale, staff.practitioner) == ("es", None)
    assert shown not in repr(office.house.sessions.kept)
    assert RIGHT not in repr(replace(user, digest=""))


@pytest.mark.parametrize(("login", "password"), [(LOGIN, "wrong"), ("nobody@still.example", RIGHT), (LOGIN, "")])
async def test_a_wrong_password_and_nobody_are_not_told_apart(login: str, password: str) -> None:
    office = Office()
    await office.opened()
    with pytest.raises(SignInRefused, match="no such login, or not this password"):
        await office.sign_in(password, login)


async def test_too_many_wrong_passwords_lock_out_longer_each_time_and_the_right_one_too() -> None:
    office = Office()
    await office.opened()
    for _ in range(SLIPS):
        with pytest.raises(SignInRefused):
            await office.sign_in("wrong")
    with pytest.raises(LockedOut) as locked:
        await office.sign_in()
    assert 0 < locked.value.extra["retry_after"] <= FIRST_WAIT.total_seconds() + 1

    office.house.time.pass_(FIRST_WAIT)
    with pytest.raises(SignInRefused):
        await office.sign_in("wrong")
    office.house.time.pass_(FIRST_WAIT)
    with pytest.raises(LockedOut):
        await office.sign_in()

    office.house.time.pass_(LONGEST_WAIT)
    await office.who(await office.sign_in())
    with pytest.raises(SignInRefused):
        await office.sign_in("wrong")
    await office.sign_in()  # the slips before were forgotten


async def test_guesses_at_the_same_moment_each_count() -> None:
    office = Office()
    user = await office.opened()
    guesses = await asyncio.gather(*(office.sign_in(f"guess {n}") for n in range(SLIPS)), return_exceptions=True)

    assert {type(guess) for guess in guesses} == {SignInRefused}
    assert office.house.users.kept[user.id].slips == SLIPS
    with pytest.raises(LockedOut):
        await office.sign_in()


async def test_a_session_ends_unused_and_at_last_in_any_case() -> None:
    office = Office()
    await office.opened()
    unused, used = await office.sign_in(), await office.sign_in()
    office.house.time.pass_(IDLE_LASTS - timedelta(hours=1))
    await office.who(used)
    office.house.time.pass_(timedelta(hours=1))

    assert await office.team.staff(unused) is None
    for _ in range(SESSION_LASTS // timedelta(days=5) - 1):
        office.house.time.pass_(timedelta(days=4))
        last = await office.team.staff(used)
    assert last is not None
    office.house.time.pass_(timedelta(days=4))
    assert await office.team.staff(used) is None


async def test_sessions_are_listed_and_ended_by_their_user_alone() -> None:
    office = Office()
    await office.opened()
    await office.opened(login="ben@still.example", name="Ben")
    one, other, bens = await office.sign_in(), await office.sign_in(), await office.sign_in(login="ben@still.example")
    ana, ben = await office.who(one), await office.who(bens)

    assert len(await office.team.sessions(ana.user)) == 2
    with pytest.raises(NoSuchUser):
        await office.team.sign_out(ben.user, ana.session)
    await office.team.sign_out_others(ana.user, ana.session)
    assert [await office.team.staff(shown) is not None for shown in (one, other, bens)] == [True, False, True]
    await office.team.sign_out(ana.user, ana.session)
    assert await office.team.staff(one) is None


async def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one() -> None:
    office = Office()
    await office.opened()
    mine, theirs = await office.sign_in(), await office.sign_in()
    ana = await office.who(mine)
    with pytest.raises(SignInRefused):
        await office.team.change_password(ana, "wrong", "a longer one than that")
    with pytest.raises(UserInvalid):
        await office.team.change_password(ana, RIGHT, "short")

    await office.team.change_password(ana, RIGHT, "a longer one than that")

    assert await office.team.staff(theirs) is None
    await office.who(mine)
    await office.sign_in("a longer one than that")
    with pytest.raises(SignInRefused):
        await office.sign_in()


async def test_who_is_switched_off_is_out_at_once_and_one_owner_stays() -> None:
    office = Office()
    ana = await office.opened()
    ben = await office.opened(login="ben@still.example", name="Ben", role=Role.DESK)
    bens = await office.sign_in(login="ben@still.example")
    with pytest.raises(LastOwner):
        await office.team.switch(PRACTICE, ana.id, off=True)
    with pytest.raises(NoSuchUser):
        await office.team.switch("another", ben.id, off=True)

    await office.team.switch(PRACTICE, ben.id, off=True)

    assert await office.team.staff(bens) is None
    with pytest.raises(SignInRefused):
        await office.sign_in(login="ben@still.example")
    await office.team.switch(PRACTICE, ben.id, off=False)
    await office.sign_in(login="ben@still.example")


async def test_owners_who_switch_each_other_off_at_the_same_moment_leave_one_at_least() -> None:
    office = Office()
    ana, ben = await office.opened(), await office.opened(login="ben@still.example", name="Ben")

    done = await asyncio.gather(
        *(office.team.switch(PRACTICE, user.id, off=True) for user in (ana, ben)), return_exceptions=True
    )

    assert {type(one) for one in done} <= {type(None), LastOwner}
    assert not all(user.is_off for user in office.house.users.kept.values())


async def test_a_forgotten_password_is_replaced_by_one_that_is_told_once() -> None:
    office = Office()
    ana = await office.opened()
    old = await office.sign_in()
    told = await office.team.give_password(PRACTICE, ana.id)

    assert await office.team.staff(old) is None
    await office.who(await office.sign_in(told))


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"login": "ana"}, "login"),
        ({"practitioner": "nobody"}, "practitioner"),
    ],
)
async def test_what_cannot_be_is_named_by_its_field(wish: dict[str, object], field: str) -> None:
    with pytest.raises(UserInvalid) as refused:
        await Office().opened(**wish)
    assert refused.value.extra["field"] == field


async def test_a_login_is_one_persons_in_all_practices_and_a_practice_has_to_be_there() -> None:
    office = Office()
    await office.opened()
    with pytest.raises(LoginTaken):
        await office.opened(name="Somebody else", login=LOGIN.upper())
    with pytest.raises(NoSuchPractice):
        await office.team.add("nowhere", Newcomer(name="Eve", login="eve@x.example", role=Role.OWNER))


async def test_passwords_are_argon2id_digests_and_nobody_takes_as_long_as_somebody() -> None:
    argon = Argon2()
    digest = await argon.digest(RIGHT)

    assert digest.startswith("$argon2id$")
    assert [await argon.fits(digest, guess) for guess in (RIGHT, "wrong")] == [True, False]
    assert await argon.fits("", "") is False
    assert await argon.fits("no digest", RIGHT) is False
