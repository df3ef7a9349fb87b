"""Exit with 0 when the paths given as arguments answer in this container; without any, the three services' own."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

READY: Final = tuple(f"/{service}/health/ready" for service in ("booking", "screening", "notify"))
SECONDS: Final = 4


def answers(path: str, port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    port = int(os.environ.get("STILLPOINT_PORT", "8080"))
    sys.exit(not all(answers(path, port) for path in sys.argv[1:] or READY))
