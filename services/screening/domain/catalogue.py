"""All forms and texts that this installation has, found by name or by exact version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from services.screening.domain.questionnaire import Questionnaire
from services.screening.domain.ruleset import Ruleset
from services.screening.domain.wording import Texts
from shared.errors import Kind, Refusal

if TYPE_CHECKING:  # they are judged by a form
    from services.screening.domain.examples import Examples


class FormUnknown(Refusal):
    """No questionnaire of this name, or not in this version."""

    slug: ClassVar[str] = "questionnaire-unknown"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True)
class Form:
    """A questionnaire with the rules that judge it; `options` of it that are urgent are marked in the questionnaire."""

    questionnaire: Questionnaire
    ruleset: Ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """`forms` by exact id, `newest` by bare name, `texts` by locale; `messages` is the id of the set of texts.

    `rulesets` are all forms by the exact id of the rules that judge them, also of rules that newer ones replaced, and
    `examples` the cases beside each. `zones` is the version of the time-zone data.
    """

    forms: Mapping[str, Form]
    newest: Mapping[str, Form]
    messages: str
    texts: Mapping[str, Texts]
    default_locale: str = "en"
    rulesets: Mapping[str, Form] = field(default_factory=dict)
    examples: Mapping[str, Examples] = field(default_factory=dict)
    messages_digest: str = ""
    zones: str = ""

    def form(self, name: str) -> Form:
        """Raises `FormUnknown`, without repeating a name that somebody typed."""
        found = self.forms.get(name) or self.newest.get(name)
        if found is None:
            raise FormUnknown("there is no such questionnaire here", known=sorted(self.forms))
        return found

    def texts_for(self, locale: str) -> Texts:
        """The language asked for, or its closest relative, or the default."""
        wanted = (locale, locale.partition("-")[0], self.default_locale)
        return next(self.texts[name] for name in wanted if name in self.texts)
