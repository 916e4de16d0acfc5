"""A mail server that speaks SMTP over a socket, with TLS, in a thread of its own; and a certificate for it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from threading import Event

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from litellm_bighub.loop_thread import LoopThread

LOGIN = ("bighub", "a mail password")


@dataclass
class MailServer:
    """What it got, and how it answers.

    Attributes:
        answers: for the next messages, in place of taking them; `None` takes one.
        refused: recipients whom it does not know.
        arrived: once it took a message.
    """

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    arrived: Event = field(default_factory=Event)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            self.got.append(message_from_bytes(envelope.content, policy=policy.default))
            self.arrived.set()
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return answer or "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        told = (data.login.decode(), data.password.decode())
        self.logins.append(told)
        return AuthResult(success=told == LOGIN, handled=False)


@contextmanager
def serving(folder, *, security="starttls", port=0, known=None):
    """A server for the time of a test.

    Args:
        folder: holds the certificate.
        security: as the setting has it.
        port: where it was before.
        known: goes on with what an earlier one got.
    """
    server = known or MailServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    thread = LoopThread("mail server")

    def session():
        starttls = context if security == "starttls" else None
        return SMTP(
            server,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=server.authenticate,
            auth_require_tls=security == "starttls",
            auth_required=security == "starttls",
        )

    async def listen():
        loop = asyncio.get_running_loop()
        return await loop.create_server(session, "127.0.0.1", port, ssl=context if security == "tls" else None)

    listening = thread.call(listen)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:

        async def close():
            listening.close()

        thread.call(close)
        thread.stop()


def certificate(folder):
    """A file with a key and a certificate for this machine, which signs itself."""
    file = folder / "mail.pem"
    if file.exists():
        return file
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
