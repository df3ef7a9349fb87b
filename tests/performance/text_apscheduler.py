"""Texts as APScheduler jobs in its MongoDB job store, posted by its asyncio executor."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime
from functools import cache

import aiohttp
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from pymongo import MongoClient

from tests.performance.text_senders import AT_ONCE, POSTED_TO, SID, TOKEN, form


@cache
def places() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


@cache
def http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(auth=aiohttp.BasicAuth(SID, TOKEN))


async def send(to: str, body: str) -> None:
    async with places(), http().post(os.environ["STUB"] + POSTED_TO, data=form(to, body)) as answer:
        await answer.json()


def scheduler(mongo_url: str) -> AsyncIOScheduler:
    store = MongoDBJobStore(database="apscheduler", client=MongoClient(mongo_url, w="majority"))
    defaults = {"misfire_grace_time": None, "coalesce": True}
    return AsyncIOScheduler(
        jobstores={"default": store}, executors={"default": AsyncIOExecutor()}, job_defaults=defaults, timezone="UTC"
    )


async def plan(mongo_url: str, texts: list[tuple[str, str, datetime]]) -> None:
    """Write the jobs without running any: another process does."""
    planner = scheduler(mongo_url)
    planner.start(paused=True)
    for to, body, at in texts:
        planner.add_job(send, "date", run_date=at, args=[to, body])
    planner.shutdown(wait=False)


async def main(mongo_url: str) -> None:
    running = scheduler(mongo_url)
    running.start()
    while True:  # it learns of jobs that another process wrote only when it is woken
        await asyncio.sleep(0.05)
        running.wakeup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
