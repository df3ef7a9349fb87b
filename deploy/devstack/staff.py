"""Somebody of the demo practice who signs in to the staff's pages; the password is made once and kept in the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp

from deploy.devstack.home import Running
from deploy.devstack.trouble import Trouble

LOGIN = "ana@still-water.example"
ANA = {"name": "Ana Keller", "login": LOGIN, "role": "owner", "practitioner": "ana"}
FILE = "staff.json"


async def password(folder: Path, running: Running, operator_key: str) -> str:
    """A new one where the folder or the database was emptied meanwhile."""
    file = folder / FILE
    users = f"{running.origin}/booking/v1/practices/{running.practice}/users"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {operator_key}"}) as http:
        known = [user for user in (await _asked(http, "GET", users))["users"] if user["login"] == LOGIN]
        if known and file.exists():
            return str(json.loads(file.read_text())["password"])
        address = f"{users}/{known[0]['id']}/password" if known else users
        told = str((await _asked(http, "POST", address, None if known else ANA))["password"])
    file.touch(mode=0o600)
    file.write_text(json.dumps({"login": LOGIN, "password": told}))
    return told


async def _asked(http: aiohttp.ClientSession, method: str, address: str, body: Any = None) -> Any:
    async with http.request(method, address, json=body) as answer:
        if not answer.ok:
            raise Trouble(f"{method} {address} answered {answer.status}")
        return await answer.json()
