"""What screening holds of a client as one page to read and to print."""

from services.screening.record.page import HEADERS, show

__all__ = ["HEADERS", "show"]
