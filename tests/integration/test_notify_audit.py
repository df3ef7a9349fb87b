"""The audit of the whole service, by hand and over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp

from deploy.devstack.programs import PROJECT
from shared.clock import utc_now
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import NUMBER, OPERATOR_KEY, PRACTICE, SID, SIGNING_KEY, TOKEN, an_appointment
from tests.support.waiting import until


async def by_hand(environment: dict[str, str], day: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notify", "audit", "--day", day),
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, told.decode()


async def test_a_day_that_fits_ends_with_zero_and_a_text_of_no_one_with_one(
    mongo_url: str, database_name: str, rabbit: RabbitBackend
) -> None:
    async with notify_app.app(mongo_url, database_name, rabbit) as app:
        await app.say(notify_app.practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: app.database["practices"].find_one({"_id": PRACTICE}))
        await app.confirm(appointment := an_appointment())
        await app.becomes(appointment, "booked", "delivered")
        environment = {
            f"STILLPOINT_{name}": value
            for name, value in {
                "MONGO_URL": mongo_url,
                "RABBIT_URL": rabbit.url,
                "SIGNING_KEY": SIGNING_KEY,
                "OPERATOR_KEY": OPERATOR_KEY,
                "PUBLIC_ORIGIN": app.origin,
                "NOTIFY_DATABASE": database_name,
                "NOTIFY_TWILIO_URL": app.provider,
                "NOTIFY_TWILIO_ACCOUNT_SID": SID,
                "NOTIFY_TWILIO_AUTH_TOKEN": TOKEN,
                "NOTIFY_TWILIO_NUMBER": NUMBER,
                "NOTIFY_NUMBER_KEY": "number-" + "n" * 32,
                "NOTIFY_WORDS_KEY": "words-" + "w" * 32,
            }.items()
        }
        text = next(iter(app.emulator.messages))
        assert text.sent_at is not None
        day = text.sent_at.date().isoformat()

        code, told = await by_hand(environment, day)
        assert (code, "1 listed" in told, "0 duplicates (0.00 per 10,000), 0 strangers" in told) == (0, True, True)
        await app.http.post(
            f"{app.provider}/2010-04-01/Accounts/{SID}/Messages.json",
            data={"To": text.to, "From": NUMBER, "Body": text.body},
            headers={"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)},
        )
        await until(lambda: all(one.status == "delivered" for one in app.emulator.messages))
        code, told = await by_hand(environment, day)
        stranger = next(one.sid for one in app.emulator.messages if one.sid != text.sid)
        assert (code, f"stranger {stranger}" in told) == (1, True)

        _, shown = await app.call("GET", "/v1/audits")
        (audit,) = shown["audits"]
        assert (audit["day"], audit["strangers"], audit["is_clean"]) == (day, 1, False)
        assert audit["done_at"] <= utc_now().isoformat()
        async with app.http.get("/notify/v1/audits") as closed:
            assert closed.status == 401
