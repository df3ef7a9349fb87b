"""The staff's pages of notify: who is to be called, and what clients texted in their own words."""

from services.notify.console.routes import routes

__all__ = ["routes"]
