"""The staff's pages of screening: what waits for a person, one case with its answers, and the decision."""

from services.screening.console.routes import routes

__all__ = ["routes"]
