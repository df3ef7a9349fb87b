"""What a browser calls itself, in words."""

from __future__ import annotations

import pytest

from services.booking.console import devices

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "browser", "device"),
    [
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) {WEBKIT} Version/26.1 Safari/604.1",
            "Safari",
            "iPhone",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) {WEBKIT} CriOS/141.0 Safari/604.1",
            "Chrome",
            "iPhone",
        ),
        (f"Mozilla/5.0 (Linux; Android 16) {BLINK} Chrome/141.0 Mobile Safari/537.36", "Chrome", "Android"),
        (
            f"Mozilla/5.0 (Linux; Android 16) {BLINK} SamsungBrowser/29.0 Chrome/136.0 Mobile Safari/537.36",
            "Samsung Internet",
            "Android",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/141.0 Safari/537.36 Edg/141.0", "Edge", "Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/26.1 Safari/605.1.15", "Safari", "Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"),
        ("curl/8.14", "", ""),
        ("", "", ""),
    ],
)
def test_a_person_knows_their_own_phone_again(agent: str, browser: str, device: str) -> None:
    assert (devices.browser(agent), devices.device(agent)) == (browser, device)
