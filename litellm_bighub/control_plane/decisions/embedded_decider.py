"""Deciding inside the process: the control plane behind the `Decider` protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

from typing_extensions import assert_never

from litellm_bighub.control_plane.approvals.resolution import Answer, Resolution, caller_of
from litellm_bighub.control_plane.approvals.sealed_arguments import require_keys
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.decisions.recorded_decision import DENIED, RecordedDecision
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.readers_and_writer import unavailable_when_failing
from litellm_bighub.control_plane.store.clock import clock_of
from litellm_bighub.control_plane.store.database import check_url, open_database, sqlite_url
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.sqlite_file import warn_if_readable
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval, signature
from litellm_bighub.deciders.wrappers.deadline import DEADLINE_SECONDS
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import FreshHistory
from litellm_bighub.domain.decision import Allow, Basis, Block, Decision, RequireApproval
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.redaction import Redact, Redactor
from litellm_bighub.policy.approvers import ANYONE
from litellm_bighub.policy.policy_text import build
from litellm_bighub.policy.rule import Policy
from litellm_bighub.wording import ENGLISH, Wording

DATABASE = "bighub.db"


class EmbeddedDecider:
    """Implements `Decider`. Opens its database with the first call, so that each worker process opens its own.

    Args:
        source: the policy file's content.
        database_url: SQLite or PostgreSQL.
        redact: hides secrets in arguments before anything is stored.
        remembers: whether calls that pass as they are come into the ledger of decided calls with their decisions.
        patience: how many seconds the database may take for a connection, a lock, a statement or a transaction.
        wording: what Slack and the inbox say to approvers.
        sealing: seals what people may look at; `None` keeps it hidden from everybody.
    """

    name = "embedded"

    def __init__(
        self,
        source: PolicySource,
        database_url: str,
        *,
        redact: Redact,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] = random_id,
        maintenance: Callable[[ControlPlane], Coroutine[None, None, None]] | None = None,
        remembers: bool = False,
        patience: float | None = None,
        wording: Wording = ENGLISH,
        sealing: Sealing | None = None,
    ) -> None:
        self._wording = wording
        self._sealing = sealing
        self._source = source
        self._patience = patience
        self._maintenance = maintenance
        self._remembers = remembers
        self._task: asyncio.Task[None] | None = None
        self._database_url = database_url
        self._redact = redact
        self._clock = clock
        self._new_id = new_id
        self._opening = asyncio.Lock()
        self._plane: ControlPlane | None = None

    @classmethod
    def from_policy_file(
        cls,
        path: Path,
        *,
        database_url: str | None = None,
        redact: Redact | None = None,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] = random_id,
        maintenance: Callable[[ControlPlane], Coroutine[None, None, None]] | None = None,
        remembers: bool = False,
        patience: float | None = DEADLINE_SECONDS,
        wording: Wording = ENGLISH,
    ) -> EmbeddedDecider:
        """Read the policy and decide by it. What people may look at is sealed with the keys of the environment.

        Args:
            path: `bighub_policy.yaml`.
            database_url: where the state lives; `bighub.db` beside the policy if not given.
            redact: as `Redactor(…).redact`, which is the default.
            clock: POSIX seconds.
            new_id: gives random ids.
            maintenance: runs while the control plane is open, as `decider_maintenance.maintain` does.
            remembers: whether calls that pass as they are come into the ledger of decided calls with their decisions.
            patience: how many seconds the database may take for a connection, a lock, a statement or a transaction.
            wording: what Slack and the inbox say to approvers.

        Raises:
            ConfigurationError: the file is no policy (names file and line), the URL cannot be used, or there is no
                usable key to seal what the policy lets people look at.
        """
        url = database_url or sqlite_url(path.parent / DATABASE)
        check_url(url)
        redact = redact or Redactor().redact
        sealing = Sealing.from_environment()
        return cls(
            PolicySource.from_file(path, check=partial(require_keys, sealing)),
            url,
            redact=redact,
            clock=clock,
            new_id=new_id,
            maintenance=maintenance,
            remembers=remembers,
            patience=patience,
            wording=wording,
            sealing=sealing,
        )

    @property
    def database_url(self) -> str:
        """Where the state lives."""
        return self._database_url

    @property
    def policy(self) -> Policy:
        """The file's policy; its `tools` say where value and target stand."""
        return build(self._source.text)

    @property
    def history(self) -> FreshHistory | None:
        """How conversations are to be followed; `None` where no rule of the file asks for what came before."""
        return self._source.text.followed

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Decide on one call whose arguments are readable. An approval of this very call is used up by it.

        Raises:
            DecisionUnavailable: the database cannot be used, or not now.
            DecisionRefused: it can never be used.
        """
        plane = self._plane
        if plane is None:
            with unavailable_when_failing("control plane"):
                plane = await self.plane()
        return decision(await plane.decide(call, context, remember=self._remembers))

    async def wait(self, approval_id: str, *, timeout: float) -> Approval | None:
        """Wait until a person has answered; then `decide` on the same call again, which uses the approval up.

        Returns:
            The approval, still open if the time was over before; `None` if there is no such approval.
        """
        plane = await self.plane()
        return await plane.wait(approval_id, timeout=timeout)

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait as `Waiting` has it.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        plane = await self.plane()
        with unavailable_when_failing("control plane"):
            approval = await plane.wait(approval_id, timeout=seconds)
        if approval is None:
            return AnsweredApproval("void")
        state = approval.state_at(plane.clock())
        match state:
            case "pending" | "awaiting_second":
                return AnsweredApproval("open")
            case "approved" | "denied":
                return AnsweredApproval(state, by=approval.resolved_by or "", told=approval.told)
            case "expired" | "consumed":
                return AnsweredApproval("void")
            case _:
                assert_never(state)

    async def consent(self, approval_id: str, context: CallContext, *, approve: bool) -> bool:
        """Record a caller's answer as `Consenting` has it.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        with unavailable_when_failing("control plane"):
            plane = await self.plane()
            approval = await plane.read(lambda connection: approvals.get(connection, approval_id))
        if approval is None or approval.requirements != (ANYONE,):
            return False
        asked = caller_of(approval)
        if (asked.actor, asked.key, asked.user) != (context.actor, context.key, context.user):
            return False
        answer: Answer = "approve" if approve else "deny"
        return isinstance(await plane.resolve(Resolution(approval_id, answer, by=signature(context))), Approval)

    async def plane(self) -> ControlPlane:
        """The control plane, opened if it was not.

        Raises:
            ConfigurationError: the database cannot be opened.
        """
        if self._plane is not None:
            return self._plane
        async with self._opening:
            if self._plane is None:
                engine = await asyncio.to_thread(open_database, self._database_url, patience=self._patience)
                warn_if_readable(engine)
                clock = self._clock or await asyncio.to_thread(clock_of, engine)
                self._plane = ControlPlane(
                    engine,
                    self._source,
                    redact=self._redact,
                    clock=clock,
                    new_id=self._new_id,
                    patience=self._patience,
                    wording=self._wording,
                    sealing=self._sealing,
                )
                if self._maintenance is not None:
                    self._task = asyncio.ensure_future(self._maintenance(self._plane))
            return self._plane

    async def aclose(self) -> None:
        """Finish what waits and let the database go. Safe to call twice."""
        async with self._opening:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            if self._plane is not None:
                await self._plane.aclose()


def decision(outcome: RecordedDecision) -> Decision:
    """An outcome as the decision that the gateway acts upon."""
    decided = _policy_decision(outcome)
    if outcome.enforced or isinstance(decided, Allow):
        return decided
    return Allow("shadow mode enforces nothing", basis=decided.basis, shadowed=decided)


def _policy_decision(outcome: RecordedDecision) -> Decision:
    judgement, approval = outcome.judgement, outcome.approval
    basis = Basis(
        decision_id=outcome.decision_id,
        blocked_by=judgement.blocked_by,
        rule=judgement.rule.id if judgement.rule else "",
        policy_version=judgement.policy_version,
        caller_rules=outcome.caller_rules,
    )
    match judgement.verdict:
        case "allowed":
            return Allow(
                judgement.reason,
                edited=outcome.edited,
                remembered=outcome.remembered,
                basis=basis,
                told=outcome.told,
            )
        case "blocked" if approval is not None and judgement.blocked_by == DENIED:
            return Block(judgement.reason, basis=basis, cause="denied", told=outcome.told)
        case "blocked":
            return Block(judgement.reason, basis=basis)
        case "requires_approval":
            approval_id, expires_at = (approval.id, approval.expires_at) if approval else ("", None)
            return RequireApproval(judgement.reason, approval_id, expires_at, basis=basis)
        case _:
            assert_never(judgement.verdict)
