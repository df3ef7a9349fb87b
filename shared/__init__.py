"""What the three services share: the event contracts and thin kits for I/O; nothing here knows a service."""

from typing import Final

VERSION: Final = "0.1.0"
"""Of the product: one for all three services, their image and their command line."""
