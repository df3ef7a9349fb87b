"""The staff's pages of booking: signing in, the day, visits and clients, and what the practice offers."""

from services.booking.console.beginning import beginning_routes
from services.booking.console.routes import routes

__all__ = ["beginning_routes", "routes"]
