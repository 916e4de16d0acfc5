"""Mail to those who may answer a call that waits: plain text with a link, behind which they log in. No mail is read.

A mail cannot change once it is sent, so nothing is sent of what became of the call: its page says that. What a model or
a caller wrote stands below the link, with everything unseen made visible and every address broken, also a bare name:
mail programs make links of those.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime
from typing import Final

import aiosmtplib
import anyio
from sqlalchemy import Connection

from litellm_bighub.control_plane.channels.channel import ChannelAway, MessageRefused
from litellm_bighub.control_plane.inbox.cards import view_of
from litellm_bighub.control_plane.inbox.readable import amount, readable_json, visible
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.users import User
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.approvers import GROUP
from litellm_bighub.settings import SmtpSettings

_MOST_SECONDS: Final = 30
"""For a connection and what is said over it: well below the lease of a message."""
_LONGEST_FACT: Final = 300
_LONGEST_TEXT: Final = 8_000
_CLOSING: Final = 421
_LETTER: Final = r"[\w\u0080-\U0010ffff]"
_DOT: Final = re.compile(rf"(?<={_LETTER})\.(?=[^\W\d_]{_LETTER})|(?<=www)\.", re.IGNORECASE)
"""Before what may be the last part of a host's name, also with letters of other scripts; not that of `100.25`."""
_ODD: Final = re.compile(r"[^\w.-]", re.ASCII)


class Mail:
    """The channel `mail`.

    Args:
        settings: of the server and the groups' addresses.
        plane: knows the users.
        public_url: where people reach the inbox.

    Raises:
        ConfigurationError: the file of certificates cannot be used.
    """

    def __init__(self, settings: SmtpSettings, plane: ControlPlane, public_url: str) -> None:
        self._settings = settings
        self._plane = plane
        self._public_url = public_url
        try:
            self._tls = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:
            raise ConfigurationError("serve.smtp.ca_file", f"cannot be used: {type(error).__name__}") from error

    @property
    def name(self) -> str:
        """Of the channel."""
        return "mail"

    async def start(self) -> str:
        """Log in once, and say so. A server that does not answer may come back."""
        settings = self._settings
        server = f"{settings.host}:{settings.port}"
        try:
            async with self._connected():
                return f"Mail: from {settings.sender} by {server}"
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                return f"Mail: {server} lets nobody in for now ({error.code}), and is tried again"
            raise ConfigurationError("serve.smtp.username", f"{server} refuses the login ({error.code})") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
                problem = "offers no STARTTLS, or no login that is supported"
                raise ConfigurationError("serve.smtp.security", f"{server} {problem}") from error
            if isinstance(failed := _tls_error(error), ssl.SSLError):
                problem = f"{server} shows no certificate that is trusted: {getattr(failed, 'verify_message', '')}"
                raise ConfigurationError("serve.smtp.host", problem.rstrip(": ")) from error
            return f"Mail: {server} does not answer ({type(error).__name__}), and is tried again"

    async def places(self, approval: Approval, now: float) -> Collection[str]:
        """Users with an address who may approve it now, and groups with one."""
        names = self._plane.rule_names
        found = await self._plane.read(
            lambda connection: [
                user.id
                for user in users.everybody(connection)
                if names.roles_count(user.roles_of, now)
                and _may_approve(user, names.person(connection, user), approval, now)
            ]
        )
        waited = now - approval.created_at
        asked = {name for each in approval.unmet() for name in each.named(waited)}
        return [*found, *(f"{GROUP}{group}" for group in self._settings.groups if f"{GROUP}{group}" in asked)]

    async def tell(self, approval: Approval, place: str) -> str:
        """Send the mail; its message id."""
        address = await self._address(approval, place)
        message = self._message(approval, place, address)
        try:
            async with self._connected() as client:
                await client.send_message(message, sender=self._settings.sender, recipients=[address])
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise MessageRefused(f"the server refuses the recipient ({error.recipients[0].code})") from error
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
            if error.code == _CLOSING:
                raise ChannelAway(f"the server answers {error.code}") from error
            raise MessageRefused(f"the server answers {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise ChannelAway(type(error).__name__) from error
        return str(message["Message-ID"])

    async def update(self, approval: Approval, place: str, reference: str) -> None:
        """Leave the mail as it is."""

    async def hear(self) -> None:
        """Hear nothing."""

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[aiosmtplib.SMTP]:
        settings = self._settings
        password = settings.password
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=None if password is None else password.get_secret_value(),
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=None if settings.security == "none" else self._tls,
            local_hostname="localhost",
            timeout=_MOST_SECONDS,
        )
        with anyio.fail_after(_MOST_SECONDS):
            async with client:
                yield client

    async def _address(self, approval: Approval, place: str) -> str:
        """Where a place's mail goes now.

        Raises:
            MessageRefused: to nobody: they have no address any more, or may no longer approve it.
        """
        if place.startswith(GROUP):
            address = self._settings.groups.get(place.removeprefix(GROUP), "")
        else:
            address = await self._plane.read(lambda connection: self._users_address(connection, approval, place))
        if not address:
            raise MessageRefused(f"{place} has no address, or may not approve it")
        return address

    def _users_address(self, connection: Connection, approval: Approval, user_id: str) -> str:
        user, now, names = users.get(connection, user_id), self._plane.clock(), self._plane.rule_names
        if user is None or not names.roles_count(user.roles_of, now):
            return ""
        return user.email if _may_approve(user, names.person(connection, user), approval, now) else ""

    def _message(self, approval: Approval, place: str, address: str) -> EmailMessage:
        sender, wording = self._settings.sender, self._plane.wording
        told = hashlib.sha256(place.encode()).hexdigest()[:12]
        message = EmailMessage(policy=MAIL)
        message["From"] = sender
        message["To"] = address
        message["Subject"] = " ".join(wording.mail_subject.format(tool=_ODD.sub("_", approval.tool)[:100]).split())
        message["Date"] = format_datetime(datetime.fromtimestamp(self._plane.clock(), timezone.utc))
        message["Message-ID"] = f"<{approval.id}.{told}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        message.set_content(self._text(approval))
        return message

    def _text(self, approval: Approval) -> str:
        wording = self._plane.wording
        until = datetime.fromtimestamp(approval.expires_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        facts = {
            "Tool": approval.tool,
            "Target": approval.current_target,
            "Who": approval.actor,
            "For": approval.context.get("user", ""),
            "Domain": approval.domain,
            "Rule": approval.rule_id or "default",
            "Until": until,
            "Why": approval.reason,
        }
        lines = [
            wording.mail_asks,
            wording.mail_link.format(url=f"{self._public_url}/inbox/approvals/{approval.id}"),
            "",
            *self._amount(approval),
            *(f"{name}: {_fact(text)}" for name, text in facts.items() if text),
            "",
            *(f"> {line}" for line in _cut(_unlinked(readable_json(approval.current)), _LONGEST_TEXT).splitlines()),
            "",
            wording.mail_no_answer,
        ]
        return "\n".join(lines) + "\n"

    def _amount(self, approval: Approval) -> list[str]:
        """The line with the amount, where the call has one. Its dot makes no link."""
        if approval.current_value is None:
            return []
        view = view_of(approval.tool, approval.current, self._plane.source.text.tools)
        currency = _fact("".join(run.text for run in view.currency))
        return [f"Amount: {amount(approval.current_value)} {currency}".rstrip()]


def _may_approve(user: User, person: Person, approval: Approval, now: float) -> bool:
    own = bool(user.litellm_user) and user.litellm_user == approval.context.get("user")
    may = bool(user.email) and user.disabled_at is None and "approvals:resolve" in person.scopes
    return may and not own and approval.may_answer(person.user, person.groups, now)


def _fact(text: str) -> str:
    return _cut(" ".join(_unlinked(visible(text)).split()), _LONGEST_FACT)


def _unlinked(text: str) -> str:
    """Without addresses that a mail program makes links of."""
    return _DOT.sub("[.]", text.replace("://", "[:]//"))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… (cut)"


def _tls_error(error: BaseException) -> BaseException | None:
    """What TLS says, however deep it stands."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLError):
        found = found.__cause__ or found.__context__
    return found
