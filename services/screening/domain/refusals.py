"""Why screening says no, each with the code that callers build on."""

from __future__ import annotations

from typing import ClassVar

from shared.errors import Kind, Refusal


class AlreadyDecided(Refusal):
    """Other answers than those that were decided on; whoever has to correct one says that something changed."""

    slug: ClassVar[str] = "already-decided"
    kind: ClassVar[Kind] = Kind.CONFLICT


class AlreadyAnswered(Refusal):
    """Other answers than those that wait for the request: the first count, or whoever was told no would try again."""

    slug: ClassVar[str] = "already-answered"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CaseClosed(Refusal):
    """The appointment was cancelled or lapsed, and with it its health check."""

    slug: ClassVar[str] = "case-closed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class OtherFormAsked(Refusal):
    """The service asks for another questionnaire than the one that was filled in."""

    slug: ClassVar[str] = "other-questionnaire-asked"
    kind: ClassVar[Kind] = Kind.INVALID


class TooManyForms(Refusal):
    """The health check of one appointment was opened again so often that a call is the better way."""

    slug: ClassVar[str] = "too-many-forms"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NothingToVoid(Refusal):
    """Nothing was decided that could count no longer."""

    slug: ClassVar[str] = "nothing-to-void"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotDeclined(Refusal):
    """A person can be asked to look again only at what the rules declined."""

    slug: ClassVar[str] = "not-declined"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NotInReview(Refusal):
    """There is nothing for a person to decide."""

    slug: ClassVar[str] = "not-in-review"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CaseChanged(Refusal):
    """Somebody else decided or changed the case after it was read."""

    slug: ClassVar[str] = "case-changed"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CannotApprove(Refusal):
    """Declined by a rule, or urgent: only new answers can change that."""

    slug: ClassVar[str] = "cannot-approve"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NobodyLooks(Refusal):
    """Words and files go to a person, and none waits for them: nothing is in review, and nothing was asked."""

    slug: ClassVar[str] = "nobody-looks"
    kind: ClassVar[Kind] = Kind.CONFLICT


class TooMuchAdded(Refusal):
    """So many messages or files came with one form already; what does not fit is better said in a call."""

    slug: ClassVar[str] = "too-much-added"
    kind: ClassVar[Kind] = Kind.CONFLICT


class NothingWritten(Refusal):
    """Words without a word."""

    slug: ClassVar[str] = "nothing-written"
    kind: ClassVar[Kind] = Kind.INVALID


class FileRefused(Refusal):
    """A file that is too large, empty, or by its content none of the kinds that are taken."""

    slug: ClassVar[str] = "file-refused"
    kind: ClassVar[Kind] = Kind.INVALID


class NoteTooShort(Refusal):
    """A ruling without its reason."""

    slug: ClassVar[str] = "note-too-short"
    kind: ClassVar[Kind] = Kind.INVALID


class NothingAsked(Refusal):
    """More is to be known of the client, but not what."""

    slug: ClassVar[str] = "nothing-asked"
    kind: ClassVar[Kind] = Kind.INVALID


class ClearanceMissing(Refusal):
    """A rule asks for a health professional's word, and none was recorded."""

    slug: ClassVar[str] = "clearance-missing"
    kind: ClassVar[Kind] = Kind.INVALID


class ClearanceInFuture(Refusal):
    """A clearance is recorded when it was given, not before."""

    slug: ClassVar[str] = "clearance-in-future"
    kind: ClassVar[Kind] = Kind.INVALID


class ApprovalTooLong(Refusal):
    """The rules that fired let an approval count for fewer days; `most` says for how many."""

    slug: ClassVar[str] = "approval-too-long"
    kind: ClassVar[Kind] = Kind.INVALID
