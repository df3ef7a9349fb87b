"""Reading what must stay secret: master keys and certificates, and whether their files are closed to others."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from pathlib import Path
from typing import Final

from services.screening.vault.masters import MASTER_KEY_BYTES
from shared.settings import SECRETS

OTHERS: Final = 0o077
OTHERS_WRITE: Final = 0o022


def key_of(text: str) -> bytes:
    """Raises ValueError in one plain sentence, as everything here."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError("must be 96 bytes in base64; make one with: openssl rand -base64 96 | tr -d '\\n'")
    return key


def key_in(file: Path, *, mounted: Path = SECRETS) -> bytes:
    check_private(file, mounted=mounted)
    try:
        return key_of(file.read_text("ascii"))
    except ValueError as error:  # text that is no text too
        problem = "must be text" if isinstance(error, UnicodeError) else error
        raise ValueError(f"what is in {file} {problem}") from None


def check_private(file: Path, *, mounted: Path = SECRETS) -> None:
    """Ours or root's, and closed to everybody else.

    A secret that a container engine mounts has the engine's mode, 0444 as a rule, in a place that nobody but this
    one process can look into: there it is enough that others cannot write it.
    """
    try:
        found = file.stat()
        is_readable = os.access(file, os.R_OK)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    if not file.is_file() or not is_readable:
        raise ValueError(f"{file} is no file that this process may read")
    if file.resolve().is_relative_to(mounted.resolve()):
        if found.st_mode & OTHERS_WRITE:
            raise ValueError(f"{file} can be written by others; mount it without that")
        return
    if found.st_mode & OTHERS:
        raise ValueError(f"{file} is open to others; close it with: chmod 600 {file}")
    if found.st_uid not in {0, os.geteuid()}:
        raise ValueError(f"{file} belongs to another user")


def tls_of(certificate: Path, authority: Path) -> ssl.SSLContext:
    """Shows our certificate, whose file holds its private key too, and believes that authority alone."""
    check_private(certificate)
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError:
        raise ValueError(f"{authority} is no file with certificates that this process may read") from None
    try:
        context.load_cert_chain(certificate, password=_no_password)
    except (OSError, ValueError):
        raise ValueError(f"{certificate} does not hold a certificate and its private key, without a password") from None
    return context


def _no_password() -> str:
    """Else OpenSSL would ask at the terminal."""
    raise ValueError("locked with a password")
