"""Keys, certificate requests and certificates, all PEM."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

CertificateAge = Literal["fresh", "renewal_due", "expired"]
_PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_BLOCK = re.compile("-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", re.ASCII)


@dataclass(frozen=True)
class Credentials:
    """A private key and the certificate for it."""

    private_key: str = field(repr=False)
    certificate: str


def make_private_key() -> str:
    """A new P-256 private key, PKCS#8."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def make_request(private_key: str) -> str:
    """A certificate signing request (PKCS#10) for a private key.

    The name is only a place holder: the service chooses the device id.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(_load_key(private_key), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _load_key(private_key: str) -> _PrivateKey:
    key = serialization.load_pem_private_key(private_key.encode(), None)
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise ValueError("the private key is of a kind that devices do not have")
    return key


def _load(certificate: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.encode())


def belong_together(pair: Credentials) -> bool:
    """True when the text is a certificate for this private key, of which all can be read that a device
    reads."""
    encoding = serialization.Encoding.DER
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        key = _load_key(pair.private_key).public_key().public_bytes(encoding, kind)
        certificate_age(pair.certificate, 0)
        common_name(pair.certificate)
        return _load(pair.certificate).public_key().public_bytes(encoding, kind) == key
    except Exception:  # x509.InvalidVersion, for one, is no ValueError
        return False


def is_certificate(text: str) -> bool:
    try:
        _load(text)
    except Exception:
        return False
    return True


def common_name(certificate: str) -> str | None:
    """The common name a certificate was issued for: the device id."""
    names = _load(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def certificate_age(certificate: str, now: float) -> CertificateAge:
    """Renewal is due when less than a third of the validity is left; ``now`` in epoch seconds."""
    loaded = _load(certificate)
    # cryptography 42 has not_valid_after_utc, and the versions before it only the other
    end = _epoch(loaded, "not_valid_after")
    if now >= end:
        return "expired"
    return "renewal_due" if end - now < (end - _epoch(loaded, "not_valid_before")) / 3 else "fresh"


def _epoch(certificate: x509.Certificate, name: str) -> float:
    known: datetime | None = getattr(certificate, f"{name}_utc", None)
    if known is None:
        known = getattr(certificate, name).replace(tzinfo=timezone.utc)
    return known.timestamp()


def server_context(authority: str) -> ssl.SSLContext:
    """Checks the server against one CA; raises OSError or ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # what stands between the certificates may be in any language, and ssl takes ASCII alone
    blocks = _BLOCK.findall(authority)
    if not blocks:
        raise ValueError("the CA holds no certificate in PEM")
    context.load_verify_locations(cadata="\n".join(blocks))
    return context


def tls_context(authority: str, pair: Credentials) -> ssl.SSLContext:
    """Checks the server against one CA and shows the pair to it; raises OSError or ValueError."""
    context = server_context(authority)
    with _readable(pair.certificate) as certificate, _readable(pair.private_key) as key:
        context.load_cert_chain(certificate, key)
    return context


@contextlib.contextmanager
def _readable(text: str) -> Iterator[str]:
    """A path under which a text can be read once: ``ssl`` takes keys from files alone.

    A pipe leaves nothing on disk, and works where the disk is full; without one, a file of our own.
    """
    data = text.encode()
    if os.path.isdir("/dev/fd") and len(data) <= 32 * 1024:
        reader, writer = os.pipe()
        try:
            with open(writer, "wb") as pipe:
                pipe.write(data)
            yield f"/dev/fd/{reader}"
        finally:
            os.close(reader)
    else:
        descriptor, path = tempfile.mkstemp(prefix="heliograph-")
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
            yield path
        finally:
            os.unlink(path)
