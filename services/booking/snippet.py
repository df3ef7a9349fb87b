"""What a practice copies onto its own web site: a link, and one line that turns it into the booking itself."""

from __future__ import annotations

from html import escape


def snippet(origin: str, practice: str, *, shape: str, words: str) -> str:
    """`shape` is inline or popover; `words` are those of the link."""
    address = f"{origin}/booking/book/{practice}"
    return (
        f'<a class="stillpoint" data-stillpoint="{shape}" href="{address}">{escape(words)}</a>\n'
        f'<script src="{origin}/booking/embed.js" async></script>'
    )
