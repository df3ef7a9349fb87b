"""The client's pages of booking: choosing a time, giving details, and the visit behind the link in a text."""

from services.booking.page.routes import routes

__all__ = ["routes"]
