"""The services' cards: what each owns, says and hears is what its code does."""

from __future__ import annotations

import re
from types import ModuleType
from typing import get_args

import pytest

from services import booking, notify, screening, topology
from services.booking.domain.texting import OPTIONAL_TEXTS, PRESETS, SETTABLE, Settable
from services.notify.domain.moments import USUAL
from services.notify.domain.practice import Timing
from services.notify.domain.steps import STEPS
from services.notify.routes.payloads import OptionalStep
from shared.events import registry
from tests.architecture.tree import ROOT, modules

CARDS: dict[str, ModuleType] = {"booking": booking, "screening": screening, "notify": notify}
each_card = pytest.mark.parametrize("service", CARDS)


def said() -> dict[str, str]:
    return {event.name: service for service, card in CARDS.items() for event in card.SAYS}


def heard() -> dict[str, list[str]]:
    hears = topology.hears()
    return {name: [service for service in hears if name in hears[service]] for name in registry()}


def test_every_event_is_said_by_the_service_it_is_named_for() -> None:
    assert said() == {name: name.split(".")[0] for name in registry()}


def test_every_event_is_heard_by_somebody() -> None:
    """Publishing is mandatory: an event without a queue would stay in its outbox for ever."""
    assert [name for name, hearers in heard().items() if not hearers] == []


@each_card
def test_what_a_card_hears_is_what_its_inbox_subscribes_to(service: str) -> None:
    inbox = (ROOT / "services" / service / "inbox.py").read_text()
    subscribed = set(re.findall(r"(?:^\s+|[{,] ?)(?:\w+\.)?([A-Z]\w+): ?\w", inbox, re.MULTILINE))

    assert subscribed == {event.__name__ for event in CARDS[service].HEARS}


@each_card
def test_what_a_card_owns_is_what_its_store_opens(service: str) -> None:
    stores = [m.source for m in modules(f"services/{service}") if "store" in (m.path.stem, m.path.parent.name)]
    opened = {name for source in stores for name in re.findall(r"""(?:database|db)\[["'](\w+)["']\]""", source)}

    assert opened == set(CARDS[service].OWNS)


@each_card
def test_only_the_owner_names_its_events_as_its_own_words(service: str) -> None:
    outbox = (ROOT / "services" / service / "outbox.py").read_text()

    assert [event.__name__ for event in CARDS[service].SAYS if event.__name__ not in outbox] == []


def test_the_texts_a_practice_can_switch_off_are_those_that_notify_has() -> None:
    assert {step.name for step in STEPS if step.optional} == set(OPTIONAL_TEXTS)
    assert set(PRESETS["gentle"]) < set(PRESETS["full"]) == set(OPTIONAL_TEXTS)
    assert set(get_args(OptionalStep)) == set(OPTIONAL_TEXTS)


def test_what_a_practice_can_set_of_a_texts_time_is_what_notify_goes_by() -> None:
    """Within bounds that leave the usual time where it is."""
    fields = {step: _set_by(settable) for step, settable in SETTABLE.items()}

    assert fields == {step.name: step.settable for step in STEPS if step.optional}
    for step, settable in SETTABLE.items():
        usual = USUAL.get(step, Timing())
        for bounds, value in ((settable.days, usual.days), (settable.hours, usual.hours)):
            assert bounds is None or bounds[0] <= (value or 0) <= bounds[1]


def _set_by(settable: Settable) -> frozenset[str]:
    given = {"days": settable.days is not None, "hours": settable.hours is not None, "at": settable.at}
    return frozenset(name for name, is_set in given.items() if is_set)


def test_the_catalogue_in_the_architecture_says_who_says_and_hears_what() -> None:
    rows = re.findall(
        r"^\| `([a-z_.]+\.v\d+)` \| (\w+) \| ([\w, ]+) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )

    assert [(name, by, hearers.split(", ")) for name, by, hearers in rows] == [
        (name, said()[name], heard()[name]) for name in registry()
    ]
