"""Exit with 0 when the services named as arguments, or all three, say that they are ready."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

SERVICES = ("booking", "screening", "notify")
SECONDS = 4


def ready(service: str, port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", f"/{service}/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    port = int(os.environ.get("STILLPOINT_PORT", "8080"))
    sys.exit(not all(ready(service, port) for service in sys.argv[1:] or SERVICES))
