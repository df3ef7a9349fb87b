"""The routes by which the operator lets the first people of a practice sign in; they let in the others themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field

from services.booking.actions.team import Newcomer, Team
from services.booking.domain.key import Scope
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.team import LoginTaken, NoSuchUser, Role, User, UserInvalid
from services.booking.routes.practices import PRACTICE
from shared.console.catalogue import SPOKEN
from shared.httpkit import Answer, Ask, OperatorOnly, Payload, Route, Who

USERS: Final = f"{PRACTICE}/users"
SECRET: Final = {"Cache-Control": "no-store"}


class UserBody(Payload):
    """Somebody who is to sign in."""

    name: str = Field(max_length=80)
    login: str = Field(max_length=240, description="their e-mail address")
    role: Role
    practitioner: str | None = Field(None, description="their id, if they give visits; then they see answers")
    locale: str = Field("en", description="the language of their pages", pattern=f"^({'|'.join(SPOKEN)})$")


class GivenUser(BaseModel):
    id: str
    password: str = Field(description="it is told this once")


class UserView(BaseModel):
    id: str
    name: str
    login: str
    role: Role
    practitioner: str | None
    is_off: bool

    @classmethod
    def of(cls, user: User) -> UserView:
        return cls.model_validate(user, from_attributes=True)


class UserList(BaseModel):
    users: list[UserView]


class UserRoutes:
    def __init__(self, team: Team) -> None:
        self._team = team

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=USERS,
                handler=self.add_user,
                summary="Let somebody sign in; for the operator alone, no key does this",
                body=UserBody,
                answers={201: GivenUser},
                refuses=(NoSuchPractice, LoginTaken, UserInvalid),
                who=Who.OPERATOR,
                scope=Scope.KEYS_WRITE,
            ),
            Route(
                method="GET",
                path=USERS,
                handler=self.list_users,
                summary="Who may sign in",
                answers={200: UserList},
                who=Who.OPERATOR,
                scope=Scope.PRACTICE_READ,
            ),
            Route(
                method="POST",
                path=f"{USERS}/{{user}}/password",
                handler=self.give_password,
                summary="A new password for somebody, who is signed out everywhere; for the operator alone",
                answers={201: GivenUser},
                refuses=(NoSuchUser,),
                who=Who.OPERATOR,
                scope=Scope.KEYS_WRITE,
            ),
        ]

    async def add_user(self, ask: Ask[UserBody, None]) -> Answer:
        _check_operator(ask.caller.who)
        told = ask.body
        wish = Newcomer(
            name=told.name, login=told.login, role=told.role, practitioner=told.practitioner, locale=told.locale
        )
        user, password = await self._team.add(ask.path["practice"], wish)
        return Answer(201, GivenUser(id=user.id, password=password), headers=SECRET)

    async def list_users(self, ask: Ask[None, None]) -> Answer:
        users = await self._team.of(ask.path["practice"])
        return Answer(200, UserList(users=[UserView.of(user) for user in users]), headers=SECRET)

    async def give_password(self, ask: Ask[None, None]) -> Answer:
        _check_operator(ask.caller.who)
        password = await self._team.give_password(ask.path["practice"], ask.path["user"])
        return Answer(201, GivenUser(id=ask.path["user"], password=password), headers=SECRET)


def _check_operator(who: str) -> None:
    """A key that could let somebody in would give on more than it has."""
    if who != "operator":
        raise OperatorOnly("this needs the operator's key; no API key will do")
