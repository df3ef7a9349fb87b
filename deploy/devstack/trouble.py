"""What keeps the development stack from running, in words for the person at the terminal."""

from __future__ import annotations


class Trouble(Exception):
    """One plain sentence that says what is wrong and which command helps."""
