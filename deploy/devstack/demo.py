"""`make demo`: one booking through the running system, step by step."""

from __future__ import annotations

from deploy.devstack.home import Running


async def walk(running: Running) -> None:
    print(running)
