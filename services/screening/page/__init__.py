"""The client's page of screening: the health check, and what we say to it."""

from services.screening.page.routes import routes

__all__ = ["routes"]
