"""What the watcher reads from its environment: no secret among it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from shared.settings import ORIGIN, Settings


class WatchSettings(BaseSettings):
    """Where to look."""

    model_config = Settings.model_config

    public_origin: str = Field(
        "http://localhost", description="Where clients reach the system; its certificate is looked at", pattern=ORIGIN
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, description="Port to listen on")
    watch_tls: str | None = Field(
        None, description="HOST:PORT that shows the certificate; else the public origin's own"
    )
    watch_folders: str = Field("/", description="Folders whose disks are watched, with commas between")
    watch_facts: Path | None = Field(None, description="Folder of *.prom files, such as the one of the last backup")
    mongo_members: str = Field("", description="HOST:PORT of the database's members, with commas between")
