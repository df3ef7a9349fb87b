"""The forms of one practice: its own edition where it published one, and else what comes with the service."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from services.screening import overlays
from services.screening.domain.catalogue import Catalogue, Form, FormUnknown
from services.screening.domain.draft import Edition
from services.screening.domain.pins import Pins
from services.screening.domain.round import Submission
from services.screening.overlays import Made
from services.screening.ports import Editions, Profile

OWN: Final = "+"  # parts the version of the base from the practice's own
MOST: Final = 500


class Forms:
    """Which edition counts comes with the profile, so no answer is judged by one that counts no longer.

    What an edition says never changes, so it is read once and remembered.
    """

    def __init__(self, catalogue: Catalogue, editions: Editions) -> None:
        self._catalogue = catalogue
        self._editions = editions
        self._made: OrderedDict[tuple[str, str], Made] = OrderedDict()

    async def form(self, profile: Profile, name: str) -> Form:
        """What counts now for a bare name, and exactly that version for any other. Raises `FormUnknown`."""
        own = next((one for one in profile.own.values() if name in (one.form, one.questionnaire)), None)
        if own is None and OWN in name:
            own = await self._edition(profile.practice, name)
        return self._catalogue.form(name) if own is None else (await self.made(own)).form

    async def answered(self, profile: Profile, name: str) -> Form:
        """What judges answers to the form of that name: an older version, or the one that the practice made stricter,

        is no way around the one that counts now, unless a service asks for exactly that one. Raises `FormUnknown`.
        """
        named = await self.form(profile, name)
        if name in profile.forms.values():
            return named
        return await self.form(profile, named.questionnaire.name)

    async def judged(self, practice: str, submission: Submission) -> Form:
        """Exactly what judged it then. Raises `FormUnknown` if that is not installed any longer."""
        if OWN in submission.questionnaire:
            return (await self.made(await self._edition(practice, submission.questionnaire))).form
        form = self._catalogue.rulesets.get(submission.ruleset)
        if form is None or form.questionnaire.id != submission.questionnaire:
            raise FormUnknown("there is no such questionnaire here", known=sorted(self._catalogue.forms))
        return form

    def pins(self, form: Form) -> Pins:
        return Pins(
            questionnaire=form.questionnaire.digest,
            ruleset=form.ruleset.digest,
            messages=self._catalogue.messages_digest,
            zones=self._catalogue.zones,
        )

    async def made(self, edition: Edition) -> Made:
        """Raises `FormUnknown`."""
        key = edition.practice, edition.digest
        if key not in self._made:
            content = await self._editions.content(*key)
            if content is None:
                raise FormUnknown("there is no such questionnaire here", known=sorted(self._catalogue.forms))
            self._made[key] = overlays.made(overlays.read(content), edition.digest, self._catalogue)
            if len(self._made) > MOST:
                self._made.popitem(last=False)
        return self._made[key]

    async def _edition(self, practice: str, name: str) -> Edition:
        for one in await self._editions.published(practice):
            if one.questionnaire == name:
                return one
        raise FormUnknown("there is no such questionnaire here", known=sorted(self._catalogue.forms))
