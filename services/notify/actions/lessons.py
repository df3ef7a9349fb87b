"""What an error code says beyond its own text, whoever hears it: a POST's refusal, a receipt, the provider's list."""

from __future__ import annotations

import structlog
from prometheus_client import Counter

from services.notify.actions.alerts import Alerts
from services.notify.domain.consent import Entry, Word, stopped
from services.notify.domain.delivery import Message, State
from services.notify.domain.errors import Treatment, treatment
from services.notify.domain.mark import Mark
from services.notify.domain.sender import Pause
from services.notify.domain.turns import failed
from services.notify.ports import Stores
from shared.clock import Clock

log = structlog.get_logger()
refusals = Counter("texts_refused_total", "Texts that the provider refused or could not deliver, by why", ["why"])
drifted = Counter("opt_out_drift_total", "Texts refused because the client opted out, of which nothing was known here")
marked = Counter("numbers_marked_total", "Numbers found to take no texts, by why", ["why"])

PROVIDER = "provider"


class Lessons:
    """A stop to enter, a number to mark, a template or the sender to stop, a person to tell."""

    def __init__(self, stores: Stores, *, sender: str, alerts: Alerts, now: Clock) -> None:
        self._stores, self._sender, self._alerts, self._now = stores, sender, alerts, now

    async def learn(self, message: Message, code: int) -> None:
        cure = treatment(code)
        refusals.labels(cure.why).inc()
        if cure.opts_out:
            source = message.attempt.id if message.attempt else message.id
            # It held when the text was posted; of a START since then it says nothing, however late it is heard.
            at = message.sent_at or self._now()
            stop = Entry(key=f"{PROVIDER}:{source}", word=Word.STOPPED, at=at, source=PROVIDER)
            if not stopped(await self._stores.contacts.of_number(message.to)):
                drifted.inc()
            await self._stores.contacts.enter_everywhere(message.to, stop)
        if cure.marks:
            await self._mark(message, code, cure)
        if cure.pauses:
            await self._stores.practices.pause(message.practice, message.template)
        await self._stop_sender(message, code, cure)
        if not cure.opts_out:  # who wants no texts is not called because of one
            await self._alerts.look([failed(message, State.FAILED, code, self._now())])
        if cure.alert:
            log.error("text.refused", id=message.id, code=code, why=cure.why)

    async def _mark(self, message: Message, code: int, cure: Treatment) -> None:
        mark = Mark(practice=message.practice, appointment=message.appointment, why=cure.why, code=code, at=self._now())
        await self._stores.marks.put(message.to, mark)
        marked.labels(cure.why).inc()

    async def _stop_sender(self, message: Message, code: int, cure: Treatment) -> None:
        """What the provider says late of a text from before somebody let the sender go on does not stop it again."""
        why = f"{cure.why}:{code}"
        if cure.rests is not None:
            await self._stores.senders.rest(self._sender, cure.rests, why)
        if cure.stops:
            pause = Pause(by=PROVIDER, why=why, at=self._now())
            if await self._stores.senders.pause(self._sender, pause, begun_at=message.sent_at):
                log.error("sender.stopped", sender=self._sender, why=why)
