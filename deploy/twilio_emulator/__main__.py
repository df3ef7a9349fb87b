"""Starts the emulator: `python -m deploy.twilio_emulator --account-sid AC... --auth-token ... --number +1...`."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

from cyclopts import App

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.app import HOST, started
from deploy.twilio_emulator.checks import E164

app = App(name="twilio_emulator", help="Twilio's wire protocol on loopback, with a phone in the browser.")


@app.default
def main(
    *,
    account_sid: str,
    number: str,
    auth_token: str | None = None,
    auth_token_file: Path | None = None,
    inbound_url: str | None = None,
    messaging_service_sid: str | None = None,
    advanced_opt_out: bool = False,
    step_milliseconds: int = 50,
    data: Path | None = None,
    public_origin: str | None = None,
    reached_at: str | None = None,
    host: str = HOST,
    port: int = 0,
) -> None:
    """Serve until stopped by SIGINT or SIGTERM.

    Parameters
    ----------
    account_sid: Account SID that clients must name.
    number: The account's number, E.164.
    auth_token: Auth token: checked on requests, signs webhooks.
    auth_token_file: File that holds the auth token, instead of naming it.
    inbound_url: Where a text from a phone is posted to.
    messaging_service_sid: The account's Messaging Service, if it shall have one.
    advanced_opt_out: Name the opt-out keyword in the inbound webhook, as Advanced Opt-Out does.
    step_milliseconds: Time between two statuses of a text.
    data: Folder that keeps the texts over a restart.
    public_origin: Origin of the service's webhooks that has to be called under another address.
    reached_at: Origin to call instead; signatures stay those of the public one.
    host: Address to listen on.
    port: TCP port; 0 takes a free one.
    """
    if (token := auth_token_file.read_text().strip() if auth_token_file else auth_token) is None:
        sys.exit("Name the auth token with --auth-token or --auth-token-file.")
    if not E164.fullmatch(number):
        sys.exit(f"--number {number} is not a number in E.164 form, such as +15550100000.")
    account = Account(
        sid=account_sid,
        auth_token=token,
        number=number,
        service=messaging_service_sid,
        inbound_url=inbound_url,
        advanced_opt_out=advanced_opt_out,
        step=timedelta(milliseconds=step_milliseconds),
        data=data,
        public_origin=public_origin,
        reached_at=reached_at,
    )
    try:
        asyncio.run(_serve(account, host, port))
    except OSError as error:
        sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another address with --host and --port.")


async def _serve(account: Account, host: str, port: int) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with started(account, host=host, port=port) as running:
        print(f"Twilio emulator and phone: {running.url}/", flush=True)
        await stop.wait()


if __name__ == "__main__":
    app()
