"""Texts as Celery tasks with an ETA on RabbitMQ, acknowledged late, with a record in MongoDB before and after."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import celery
import requests
from pymongo import MongoClient, WriteConcern

from tests.performance.text_senders import AT_ONCE, POSTED_TO, SID, TOKEN, form

app = celery.Celery("texts", broker=os.environ.get("CELERY_BROKER", "memory://"))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
    worker_concurrency=AT_ONCE,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    task_default_queue="texts",
)


@cache
def records() -> Any:
    client: Any = MongoClient(os.environ["CELERY_MONGO"], tz_aware=True)
    return client["celery"].get_collection("messages", write_concern=WriteConcern("majority"))


@cache
def http() -> requests.Session:
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE))
    session.auth = (SID, TOKEN)
    return session


@app.task(name="send")
def send(id_: str) -> None:
    text = records().find_one_and_update({"_id": id_, "state": {"$ne": "accepted"}}, {"$set": {"state": "sending"}})
    if text is None:
        return
    answer = http().post(os.environ["STUB"] + POSTED_TO, data=form(text["to"], text["body"]), timeout=15)
    outcome = {"state": "accepted", "sid": answer.json()["sid"], "at": datetime.now(UTC)}
    records().update_one({"_id": id_}, {"$set": outcome, "$unset": {"due": ""}})
