"""The bill of materials of the image's packages, as CycloneDX: what is locked, with the digests it is locked to."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

LOCKS: Final = ("booking.txt", "notify.txt", "screening.txt")
PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
DIGEST: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMESPACE: Final = uuid.UUID("6f7c1d4e-7d0b-4c5e-9c55-2f5b6a1f0a11")


def materials(locks: Path, version: str) -> bytes:
    """JSON of version 1.6; `locks` is the folder of the hashed requirements."""
    product = Component(name="stillpoint", version=version, type=ComponentType.APPLICATION, bom_ref="stillpoint")
    parts = _components(locks)
    bom = Bom(components=parts, metadata=BomMetaData(component=product), serial_number=_serial(version))
    bom.register_dependency(product, parts)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same commit gives the same bytes
    return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n".encode()


def locked(locks: Path) -> Mapping[tuple[str, str], frozenset[str]]:
    """Name and version of each package that an image may hold, with the digests of its files."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for lock in LOCKS:
        for entry in _entries((locks / lock).read_text()):
            if pinned := PINNED.match(entry):
                key = (pinned[1].lower(), pinned[2])
                found[key] = found.get(key, frozenset()) | frozenset(DIGEST.findall(entry))
    return found


def _entries(text: str) -> Iterator[str]:
    yield from text.replace("\\\n", " ").splitlines()


def _components(locks: Path) -> list[Component]:
    return [
        Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}=={version}",
            purl=PackageURL("pypi", None, name, version),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in sorted(digests)],
        )
        for (name, version), digests in sorted(locked(locks).items())
    ]


def _serial(version: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, version)
