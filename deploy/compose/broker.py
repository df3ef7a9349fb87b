"""Make the broker's topology and the services' user, with the two secrets that this takes and no other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from services import topology

SECRETS: Final = Path("/run/secrets")


def main() -> None:
    asyncio.run(topology.apply(_url("stillpoint_rabbit_management_url"), _url("stillpoint_rabbit_url")))
    print("topology in place")


def _url(name: str) -> SecretStr:
    return SecretStr((SECRETS / name).read_text().strip())


if __name__ == "__main__":
    main()
