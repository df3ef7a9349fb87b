"""PyKMIP's engine and sessions as a key server on loopback: `python -m tests.support.kmip_server FOLDER PORT`.

PyKMIP has a front-end of its own, which knows TLS 1.2 at most and wants places of the whole machine for its settings
and logs. This one takes the connections; what is said on them is parsed, judged and stored by PyKMIP.
"""

from __future__ import annotations

import copy
import socket
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY, SERVER, CLIENT, STRANGER = "authority.pem", "server.pem", "client.pem", "stranger.pem"


def make_certificates(folder: Path) -> None:
    """An authority, a server on loopback, a client, and a client that the authority does not know."""
    key, root = _authority("Key authority")
    (folder / AUTHORITY).write_bytes(root.public_bytes(Encoding.PEM))
    for name, usage in ((SERVER, ExtendedKeyUsageOID.SERVER_AUTH), (CLIENT, ExtendedKeyUsageOID.CLIENT_AUTH)):
        _write(folder / name, *_issued(name, usage, key, root))
    _write(folder / STRANGER, *_issued(STRANGER, ExtendedKeyUsageOID.CLIENT_AUTH, *_authority("Somebody else")))


def serve(folder: Path, port: int) -> None:
    """Serve until the process is ended; what was registered is still there after a restart."""
    from kmip.core import policy  # noqa: PLC0415  the library warns as it is loaded, and only this process needs it
    from kmip.services.server.engine import KmipEngine  # noqa: PLC0415  the same
    from kmip.services.server.session import KmipSession  # noqa: PLC0415  the same

    engine = KmipEngine(policies=copy.deepcopy(policy.policies), database_path=str(folder / "keys.sqlite"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / AUTHORITY)
    context.load_cert_chain(folder / SERVER)
    with socket.create_server(("127.0.0.1", port)) as listening:
        number = 0
        while True:
            connection, address = listening.accept()
            number += 1
            secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            KmipSession(engine, secured, address, name=f"{number:08}").start()


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = _dated(x509.CertificateBuilder(subject_name=named, issuer_name=named, public_key=key.public_key()))
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return key, built.add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def _issued(
    name: str, usage: x509.ObjectIdentifier, issuer: ec.EllipticCurvePrivateKey, root: x509.Certificate
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = _dated(x509.CertificateBuilder(subject_name=named, issuer_name=root.subject, public_key=key.public_key()))
    built = built.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return key, built.add_extension(loopback, critical=False).sign(issuer, hashes.SHA256())


def _dated(built: x509.CertificateBuilder) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    built = built.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return built.serial_number(x509.random_serial_number())


def _write(file: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.touch(mode=0o600)
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
