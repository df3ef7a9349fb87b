"""A practice's own look on the pages of the health check: booking's stylesheet for it, under the same origin."""

from __future__ import annotations

from services.screening.ports import Profile
from shared.page import Dress, Stage


def dress(profile: Profile | None) -> Dress:
    """Whoever is here has asked for a visit; more than that no site is told."""
    if profile is None:
        return Dress(stage=Stage.BOOKED)
    theme = f"/booking/book/{profile.practice}/theme.css?v={profile.theme}" if profile.theme else ""
    return Dress(theme=theme, sites=profile.sites, stage=Stage.BOOKED)
