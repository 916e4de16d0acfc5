"""Slack as a channel: tells of calls that wait, and takes the answers of people whose account is known.

An answer is of the user with that account, to the approval and the arguments that the message showed. It is resolved as
one from the inbox is, by the same rules; what is not accepted is told to that person alone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import Final

from sqlalchemy import Connection
from starlette.routing import BaseRoute

from litellm_bighub.control_plane.approvals.resolution import ResolutionRefused, said_by
from litellm_bighub.control_plane.channels.channel import ChannelAway, MessageRefused
from litellm_bighub.control_plane.channels.slack_app.call_message import call_message, reason_form
from litellm_bighub.control_plane.channels.slack_app.pressed import (
    Ballot,
    PressedAnswer,
    PressedReason,
    SlackAccount,
    read_pressed,
)
from litellm_bighub.control_plane.channels.slack_app.signed_requests import signed_routes
from litellm_bighub.control_plane.channels.slack_app.slack_api import SlackApi
from litellm_bighub.control_plane.channels.slack_app.socket_mode import FollowUp, hear_socket
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables import approvals, told_messages
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import BighubError, DecisionUnavailable
from litellm_bighub.settings import SlackSettings

logger = logging.getLogger(__name__)
_GROUP: Final = "group:"


class SlackChannel:
    """The channel.

    Args:
        settings: tokens and channels.
        plane: of this process.
        public_url: where people reach the inbox.
    """

    def __init__(self, settings: SlackSettings, plane: ControlPlane, public_url: str) -> None:
        self._settings = settings
        self._plane = plane
        self._inbox_url = f"{public_url}/inbox"
        self._api = SlackApi(settings)
        self._team = ""

    @property
    def name(self) -> str:
        """See `Channel`."""
        return "slack"

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What the server answers Slack with, if it sends signed requests."""
        secret = self._settings.signing_secret
        return () if secret is None else signed_routes(secret, self._plane, self.take)

    async def start(self) -> str:
        """See `Channel`."""
        places = ", ".join(dict.fromkeys([self._settings.channel, *self._settings.group_channels.values()]))
        way = "signed requests" if self._settings.app_token is None else "socket mode"
        try:
            found = await self._api.check()
        except ChannelAway as away:
            return f"Slack: on in {places}, answers by {way}; it does not answer now and is tried again ({away})"
        self._team = str(found.get("team_id", ""))
        return f"Slack: on as {found.get('user', '?')} of {found.get('team', '?')} in {places}, answers by {way}"

    async def places(self, approval: Approval, now: float) -> Collection[str]:
        """The channels of the groups that are asked, and the common one for everybody else."""
        found: list[str] = []
        for each in approval.requirements:
            named = each.named(now - approval.created_at) or ("",)
            channels = self._settings.group_channels
            found += [channels.get(name.removeprefix(_GROUP), self._settings.channel) for name in named]
        return found

    async def tell(self, approval: Approval, place: str) -> str:
        """See `Channel`. The reference is the message's time, which is its name within its channel."""
        told = await self._api.call("chat.postMessage", {"channel": place, **self._message(approval)})
        reference = told.get("ts")
        if not isinstance(reference, str) or not reference:
            raise ChannelAway("chat.postMessage: the answer names no message")
        return reference

    async def update(self, approval: Approval, place: str, reference: str) -> None:
        """See `Channel`."""
        await self._api.call("chat.update", {"channel": place, "ts": reference, **self._message(approval)})

    async def hear(self) -> None:
        """See `Channel`. Signed requests are heard by the server's route."""
        if self._settings.app_token is not None:
            await hear_socket(self._api, self.take)

    async def take(self, payload: object) -> FollowUp:
        """Carry out what somebody has pressed.

        Returns:
            What is left to do once Slack knows that it has arrived.

        Raises:
            DecisionUnavailable: the database cannot be used, or Slack does not say which workspace is ours. Nothing was
                done.
        """
        pressed = read_pressed(payload)
        if pressed is None:
            return _nothing
        person = await self._person(pressed.account)
        if isinstance(person, str):
            return self._telling(pressed, person)
        if "approvals:resolve" not in person.scopes:
            return self._telling(pressed, self._plane.wording.slack_no_approver)
        if isinstance(pressed, PressedReason):
            return partial(self._quietly, partial(self._open_form, pressed))
        return self._telling(pressed, await self._resolve(pressed, person))

    async def _person(self, account: SlackAccount) -> Person | str:
        """The user with this account of our workspace; a sentence that says why nobody counts.

        An id alone may be somebody else's in another workspace.
        """
        wording = self._plane.wording
        if not self._team:
            try:
                self._team = str((await self._api.identity())["team_id"])
            except (ChannelAway, KeyError) as error:
                raise DecisionUnavailable("slack does not say which workspace is ours") from error
        if account.team != self._team:
            return wording.slack_unknown

        def look(connection: Connection) -> Person | str:
            user, names = users.of_slack(connection, account.id), self._plane.rule_names
            if user is None or user.disabled_at is not None:
                return wording.slack_unknown
            if not names.roles_count(user.roles_of, self._plane.clock()):
                return wording.slack_login_due.format(url=self._inbox_url)
            return names.person(connection, user)

        return await self._plane.read(look)

    async def _resolve(self, pressed: PressedAnswer, person: Person) -> str:
        """Carry the answer out; the sentence for that person alone, empty if the message says it."""
        said = said_by(person, pressed.ballot.approval_id, pressed.answer)
        told = pressed.comment if pressed.tell else ""
        resolution = replace(said, comment=pressed.comment, told=told, shown=pressed.ballot.shown, channel=self.name)
        result = await self._plane.resolve(resolution)
        if not isinstance(result, ResolutionRefused):
            return ""
        sentence: str = getattr(self._plane.wording, f"inbox_refused_{result.code}")
        return "" if await self._was_theirs(pressed, person) else sentence

    async def _was_theirs(self, pressed: PressedAnswer, person: Person) -> bool:
        """Whether the very answer has counted before: Slack sends again what was acknowledged too late."""
        approval = await self._approval(pressed.ballot)
        if approval is None or approval.state in {"expired", *approvals.OPEN}:
            return False
        if pressed.answer == "deny":
            return approval.state == "denied" and approval.resolved_by == person.name
        return approval.state != "denied" and any(vote.is_by(person.id, person.name) for vote in approval.counting)

    def _telling(self, pressed: PressedAnswer | PressedReason, sentence: str) -> FollowUp:
        return partial(self._quietly, partial(self._tell_person, pressed, sentence))

    async def _tell_person(self, pressed: PressedAnswer | PressedReason, sentence: str) -> None:
        """Tell a sentence to who has pressed, and mend a message that the database does not know."""
        ballot = pressed.ballot
        if sentence:
            body = {"channel": ballot.place, "user": pressed.account.id, "text": escape(sentence, quote=False)}
            await self._api.call("chat.postEphemeral", body)
        approval = await self._approval(ballot)
        known = await self._plane.read(
            lambda connection: told_messages.references(connection, ballot.approval_id, self.name)
        )
        if approval is not None and ballot.reference not in known:
            await self.update(approval, ballot.place, ballot.reference)

    async def _open_form(self, pressed: PressedReason) -> None:
        approval = await self._approval(pressed.ballot)
        if approval is None or approval.state not in approvals.OPEN:
            await self._tell_person(pressed, self._plane.wording.inbox_refused_resolved)
            return
        form = reason_form(approval, pressed.ballot.metadata, self._plane.wording)
        await self._api.call("views.open", {"trigger_id": pressed.trigger, "view": form})

    async def _approval(self, ballot: Ballot) -> Approval | None:
        return await self._plane.read(lambda connection: approvals.get(connection, ballot.approval_id))

    async def _quietly(self, follow_up: FollowUp) -> None:
        """Do what comes after an answer; the answer stands even if it fails."""
        try:
            await follow_up()
        except (ChannelAway, MessageRefused, BighubError) as error:
            logger.warning("who has answered in Slack could not be told what came of it: %s", error)

    def _message(self, approval: Approval) -> JsonObject:
        return call_message(
            approval,
            self._plane.source.text.tools,
            inbox_url=self._inbox_url,
            now=self._plane.clock(),
            wording=self._plane.wording,
        )


async def _nothing() -> None:
    """Nothing is left to do."""
