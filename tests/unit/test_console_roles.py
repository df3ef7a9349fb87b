"""Who may open which page of the staff's: one table for all services, held against the routes that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

import services.booking.console
import services.notify.console
import services.screening.console
from shared.console import MENU, Console
from shared.httpkit import Answer, Route
from shared.staff import COOKIE, EVERYBODY, Passes, Role, Staff

KEY, ORIGIN, NOW = "signing-" + "k" * 32, "http://still.example", datetime(2026, 11, 23, 9, tzinfo=UTC)
OWNERS: Final = frozenset({Role.OWNER})
REVIEWERS: Final = frozenset({Role.OWNER, Role.PRACTITIONER})
NOT_SIGNED_IN: Final = frozenset[Role]()
"""For whoever comes: there is nobody yet whose role could be asked for."""
TABLE: Final[Mapping[str, Collection[Role]]] = {
    "GET /booking/console/sign-in": NOT_SIGNED_IN,
    "POST /booking/console/sign-in": NOT_SIGNED_IN,
    "GET /booking/console/renew": NOT_SIGNED_IN,
    "POST /booking/console/renew": NOT_SIGNED_IN,
    "POST /booking/console/sign-out": NOT_SIGNED_IN,
    "GET /booking/console/signed-out": NOT_SIGNED_IN,
    "GET /booking/console/": EVERYBODY,
    "GET /booking/console/week": EVERYBODY,
    "GET /booking/console/events": EVERYBODY,
    "GET /booking/console/visits/{appointment}": EVERYBODY,
    "POST /booking/console/visits/{appointment}/attended": EVERYBODY,
    "POST /booking/console/visits/{appointment}/missed": EVERYBODY,
    "GET /booking/console/visits/{appointment}/cancel": EVERYBODY,
    "POST /booking/console/visits/{appointment}/cancel": EVERYBODY,
    "GET /booking/console/visits/{appointment}/move": EVERYBODY,
    "POST /booking/console/visits/{appointment}/move": EVERYBODY,
    "GET /booking/console/clients": EVERYBODY,
    "POST /booking/console/clients": EVERYBODY,
    "GET /booking/console/clients/{ref}": EVERYBODY,
    "GET /booking/console/waitlist": EVERYBODY,
    "POST /booking/console/waitlist/{waiting}/leave": EVERYBODY,
    "GET /booking/console/team": OWNERS,
    "POST /booking/console/team": OWNERS,
    "POST /booking/console/team/{user}/off": OWNERS,
    "POST /booking/console/team/{user}/on": OWNERS,
    "POST /booking/console/team/{user}/password": OWNERS,
    "GET /booking/console/sessions": EVERYBODY,
    "POST /booking/console/sessions/{session}/end": EVERYBODY,
    "POST /booking/console/sessions/others": EVERYBODY,
    "POST /booking/console/password": EVERYBODY,
    "POST /booking/console/language": EVERYBODY,
    "GET /booking/console/hours": REVIEWERS,
    "POST /booking/console/hours/{who}/week": REVIEWERS,
    "GET /booking/console/hours/{who}/days/{date}": REVIEWERS,
    "POST /booking/console/hours/{who}/days/{date}": REVIEWERS,
    "POST /booking/console/hours/{who}/days/{date}/remove": REVIEWERS,
    "POST /booking/console/hours/{who}/blocks": REVIEWERS,
    "POST /booking/console/hours/{who}/blocks/{block}/remove": REVIEWERS,
    "GET /booking/console/keys": OWNERS,
    "POST /booking/console/keys": OWNERS,
    "POST /booking/console/keys/{key}/revoke": OWNERS,
    "GET /booking/console/services": OWNERS,
    "GET /booking/console/add-service": OWNERS,
    "POST /booking/console/add-service": OWNERS,
    "GET /booking/console/service/{part}": OWNERS,
    "POST /booking/console/service/{part}": OWNERS,
    "POST /booking/console/service/{part}/remove": OWNERS,
    "GET /booking/console/practice": OWNERS,
    "POST /booking/console/practice": OWNERS,
    "GET /booking/console/look": OWNERS,
    "POST /booking/console/look": OWNERS,
    "GET /booking/console/people": OWNERS,
    "GET /booking/console/places": OWNERS,
    "GET /booking/console/add-person": OWNERS,
    "POST /booking/console/add-person": OWNERS,
    "GET /booking/console/person/{part}": OWNERS,
    "POST /booking/console/person/{part}": OWNERS,
    "POST /booking/console/person/{part}/remove": OWNERS,
    "GET /booking/console/add-place": OWNERS,
    "POST /booking/console/add-place": OWNERS,
    "GET /booking/console/place/{part}": OWNERS,
    "POST /booking/console/place/{part}": OWNERS,
    "POST /booking/console/place/{part}/remove": OWNERS,
    "GET /booking/console/add-room": OWNERS,
    "POST /booking/console/add-room": OWNERS,
    "GET /booking/console/room/{part}": OWNERS,
    "POST /booking/console/room/{part}": OWNERS,
    "POST /booking/console/room/{part}/remove": OWNERS,
    "GET /booking/console/begin": NOT_SIGNED_IN,
    "POST /booking/console/begin": NOT_SIGNED_IN,
    "GET /booking/console/begun": OWNERS,
    "GET /screening/console/reviews": REVIEWERS,
    "GET /screening/console/cases/{appointment}": REVIEWERS,
    "POST /screening/console/cases/{appointment}/decision": REVIEWERS,
    "GET /screening/console/cases/{appointment}/attachments/{attachment}": REVIEWERS,
    "GET /screening/console/visits/{appointment}": REVIEWERS,
    "GET /notify/console/calls": EVERYBODY,
    "POST /notify/console/calls/{call}/done": EVERYBODY,
    "POST /notify/console/calls/texts/{sid}/read": EVERYBODY,
    "GET /notify/console/visits/{appointment}": EVERYBODY,
    "POST /notify/console/visits/{appointment}/cancel": EVERYBODY,
    "POST /notify/console/visits/{appointment}/retry": EVERYBODY,
    "POST /notify/console/visits/{appointment}/resend": EVERYBODY,
    "GET /notify/console/wordings": OWNERS,
    "GET /notify/console/wordings/{locale}/{template}": OWNERS,
    "POST /notify/console/wordings/{locale}/{template}": OWNERS,
    "POST /notify/console/wordings/{locale}/{template}/preview": OWNERS,
    "POST /notify/console/wordings/{locale}/{template}/built-in": OWNERS,
    "GET /notify/console/dead": EVERYBODY,
    "POST /notify/console/dead/retry": EVERYBODY,
    "POST /notify/console/dead/aside": EVERYBODY,
    "POST /notify/console/dead/replay": EVERYBODY,
    "GET /notify/console/sending": EVERYBODY,
    "POST /notify/console/sending/pause": OWNERS,
    "POST /notify/console/sending/resume": OWNERS,
}


class Anything:
    """Stands for whatever the handlers would need; none of them is reached here."""

    def __getattr__(self, _: str) -> Anything:
        return self


def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Route, Collection[Role]]]:
    """Every page of every console, with the roles that it was declared for; scripts and styles are everybody's."""
    declared: dict[int, Collection[Role]] = {}
    of_console = Console.route

    def noted(self: Console, *what: Any, **more: Any) -> Route:
        made = of_console(self, *what, **more)
        declared[id(made.handler)] = more.get("roles", what[4] if len(what) > 4 else EVERYBODY)
        return made

    monkeypatch.setattr(Console, "route", noted)
    anything, common = cast(Any, Anything()), {"origin": ORIGIN, "now": lambda: NOW}
    passes = Passes(KEY)
    served = {
        "booking": [
            *services.booking.console.routes(anything, anything, passes, **common),
            *services.booking.console.beginning_routes(anything, anything, passes, **common),
        ],
        "screening": services.screening.console.routes(anything, anything, passes=passes, **common),
        "notify": services.notify.console.routes(anything, anything, passes=passes, **common),
    }
    for service, routes in served.items():
        for route in routes:
            if not route.path.endswith((".js", ".css")):
                yield f"{route.method} /{service}{route.path}", route, declared.get(id(route.handler), NOT_SIGNED_IN)


def test_every_page_of_the_staff_is_in_the_table_with_who_may_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name: set(roles) for name, _, roles in found(monkeypatch)} == {
        name: set(roles) for name, roles in TABLE.items()
    }


async def test_whoever_the_table_leaves_out_is_turned_away_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also with a form of their own session: it is the role that is missing."""
    turned_away = 0
    for name, route, _ in found(monkeypatch):
        for role in EVERYBODY - set(TABLE[name] or EVERYBODY):
            answer = await route.handler(_ask(role))
            assert isinstance(answer, Answer)
            assert (name, role, answer.status) == (name, role, 403)
            assert "This page is for others of the practice." in str(answer.text)
            turned_away += 1
    assert turned_away


async def test_whoever_is_not_signed_in_is_sent_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, route, _ in found(monkeypatch):
        if TABLE[name]:
            answer = await route.handler(_ask(None))
            assert isinstance(answer, Answer)
            assert (name, answer.status) == (name, 307)
            assert answer.headers["Location"].startswith("/booking/console/renew?to=")


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: entry.address)
def test_the_menu_names_a_page_to_those_who_may_open_it(entry: Any) -> None:
    assert set(TABLE[f"GET {entry.address}"]) == set(entry.roles)


def _ask(role: Role | None) -> Any:
    passes, cookies, form = Passes(KEY), {}, {}
    if role is not None:
        staff = Staff(user="u1", name="Kim", practice="still-water", role=role, session="s1")
        cookies, form = {COOKIE: passes.mint(staff, NOW)}, {"csrf": passes.form("s1")}
    return SimpleNamespace(request=SimpleNamespace(cookies=cookies, path_qs="/"), form=form, headers={}, path={})
