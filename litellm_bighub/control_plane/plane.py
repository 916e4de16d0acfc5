"""The control plane of one process. Several processes share its database.

Whatever changes something is one job of the writer (`store.writer`), so a decision, its counters, its approval and its
place in the audit are committed together or not at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.approvals.awaited_approvals import AwaitedApprovals
from litellm_bighub.control_plane.approvals.background_reader import BackgroundReader
from litellm_bighub.control_plane.approvals.edited_call import HTTP_SURFACE
from litellm_bighub.control_plane.approvals.look import LookRefused, ShownValue, ValueLook, look_at
from litellm_bighub.control_plane.approvals.resolution import (
    Resolution,
    ResolutionRefused,
    escalate_due,
    expire_due,
    resolve,
)
from litellm_bighub.control_plane.audit import event_counts
from litellm_bighub.control_plane.audit.retention_schedule import RetentionSchedule
from litellm_bighub.control_plane.decisions.policy_source import PolicyCheck, PolicySource, any_policy
from litellm_bighub.control_plane.decisions.recorded_decision import (
    BackgroundUnread,
    DecisionQuestion,
    DecisionRecorder,
    PolicySnapshot,
    RecordedDecision,
)
from litellm_bighub.control_plane.decisions.value_extraction import hide_stated
from litellm_bighub.control_plane.people.rule_names import NONE_DECLARED, RuleNames
from litellm_bighub.control_plane.readers_and_writer import Database
from litellm_bighub.control_plane.store.clock import clock_of, now_in
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.signals import Signals
from litellm_bighub.control_plane.store.tables.approvals import Approval, tell_background
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import NOT_TAKEN
from litellm_bighub.domain.ids import APPROVAL, random_id
from litellm_bighub.domain.redaction import Redact, Redactor
from litellm_bighub.errors import DecisionError, DecisionUnavailable
from litellm_bighub.wording import ENGLISH, Wording


class ControlPlane(Database):
    """Decides, asks people, remembers.

    Args:
        engine: an opened database (`store.database.open_database`).
        source: the policy file's content.
        redact: hides secrets in arguments before anything is stored.
        keep_days: how long the audit is kept, in place of what the policy says.
        patience: as for `Database`.
        clock: POSIX seconds, in place of the clock that counts for the database.
        wording: what channels and the inbox say to approvers.
        sealing: seals what people may look at; `None` keeps it hidden from everybody.
        rule_names: of people of an identity provider, wherever they answer.
    """

    def __init__(
        self,
        engine: Engine,
        source: PolicySource,
        *,
        redact: Redact,
        keep_days: float | None = None,
        patience: float | None = None,
        clock: Callable[[], float] | None = None,
        new_id: Callable[[], str] = random_id,
        wording: Wording = ENGLISH,
        sealing: Sealing | None = None,
        rule_names: RuleNames = NONE_DECLARED,
    ) -> None:
        self.wording = wording
        self._sealing = sealing
        self.rule_names = rule_names
        self.source = source
        self.clock = clock_of(engine) if clock is None else clock
        self.new_id = new_id
        self.redact = redact
        self.deciding = DecisionRecorder(source, sealing)
        self._retaining = RetentionSchedule(source, keep_days)
        self.signals = Signals(engine)
        super().__init__(engine, on_commit=self.signals.wake, on_rollback=self.deciding.forget, patience=patience)
        self._backgrounds = BackgroundReader(patience)
        self._telling: set[asyncio.Task[None]] = set()
        self._awaited = AwaitedApprovals(self, self.signals, self.clock)

    @classmethod
    def open(
        cls,
        database_url: str,
        policy: Path,
        *,
        redact: Redact | None = None,
        keep_days: float | None = None,
        wording: Wording = ENGLISH,
        sealing: Sealing | None = None,
        check: PolicyCheck = any_policy,
        rule_names: RuleNames = NONE_DECLARED,
    ) -> ControlPlane:
        """Read the policy and open the database.

        Args:
            database_url: where the state is.
            policy: the file.
            redact: hides secrets in arguments before anything is stored.
            keep_days: as for the class.
            wording: as for the class.
            sealing: as for the class.
            check: of the policy, now and after every change.
            rule_names: as for the class.

        Raises:
            ConfigurationError: one of them cannot be used.
        """
        source = PolicySource.from_file(policy, check=check)
        return cls(
            open_database(database_url),
            source,
            redact=redact or Redactor().redact,
            keep_days=keep_days,
            wording=wording,
            sealing=sealing,
            rule_names=rule_names,
        )

    async def decide(
        self,
        call: ToolCall,
        context: CallContext,
        *,
        dry_run: bool = False,
        remember: bool = False,
        asked_by: str = "",
    ) -> RecordedDecision:
        """Decide on one call. An approval of this very call is used up; a dry run changes and records nothing.

        Args:
            call: to decide on.
            context: who asks.
            dry_run: as for `DecisionQuestion`.
            remember: as for `DecisionQuestion`.
            asked_by: as for `DecisionQuestion`.

        Raises:
            DecisionUnavailable: the database cannot be used.
        """
        question = self.question(call, context, dry_run=dry_run, remember=remember, asked_by=asked_by)
        outcome = await self._decided(question)
        if outcome is None:
            outcome = await self._decided_with_background(question)
        if self._retaining.due(outcome.time):
            with suppress(DecisionUnavailable):  # closed meanwhile; this was decided before
                self._writer.submit(self._retain)  # no caller waits for it; if it fails, the next hour tries again
        return outcome

    def question(
        self,
        call: ToolCall,
        context: CallContext,
        *,
        dry_run: bool = False,
        remember: bool = False,
        asked_by: str = "",
    ) -> DecisionQuestion:
        """A question with fresh ids, for a job that decides among other things."""
        if context.end_user:  # a caller's words, which are stored with the call
            context = replace(context, end_user=str(self.redact({"end_user": context.end_user})["end_user"]))
        redacted = call.redacted(self.redact)
        background = "" if context.background is None else None
        if context.surface == HTTP_SURFACE:
            redacted = hide_stated(call.arguments, redacted)
            # What is told later may hold what is hidden here, in any spelling, and nothing is kept to find it by.
            if context.background is None and redacted != call.arguments:
                background = NOT_TAKEN
        return DecisionQuestion(
            call,
            context,
            redacted,
            self.redact,
            decision_id=f"dec_{self.new_id()}",
            approval_id=f"{APPROVAL}{self.new_id()}",
            started=time.perf_counter(),
            background=background,
            dry_run=dry_run,
            remember=remember,
            asked_by=asked_by,
        )

    async def _decided(self, question: DecisionQuestion) -> RecordedDecision | None:
        """What was decided; `None` if people are to be asked, and do not know yet why the call was made."""

        def decide(transaction: Transaction) -> RecordedDecision | None:
            try:
                return self.deciding.decide(transaction, question, now_in(transaction, self.clock))
            except BackgroundUnread:
                return None

        return await self.write(decide, brief=True)

    async def _decided_with_background(self, question: DecisionQuestion) -> RecordedDecision:
        """What was decided, with why the call was made: read outside of the writer, since it takes time.

        If it takes too long, people are asked without it, and told once it is read.
        """
        reading = self._backgrounds.start(question.read_background)
        background = await self._backgrounds.soon(reading)
        outcome = await self._decided(replace(question, background=background or ""))
        assert outcome is not None  # noqa: S101 - it has its background
        if background is None and outcome.approval is not None and outcome.approval.id == question.approval_id:
            telling = asyncio.create_task(self._tell_once_read(reading, question.approval_id))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        return outcome

    async def _tell_once_read(self, reading: Future[str], approval_id: str) -> None:
        background = await asyncio.wrap_future(reading)
        if background:
            with suppress(DecisionError, SQLAlchemyError):  # people then decide without it
                await self.write(lambda transaction: tell_background(transaction.connection, approval_id, background))

    async def wait(self, approval_id: str, *, timeout: float) -> Approval | None:
        """Wait until an approval is no longer open.

        Returns:
            The approval; still open if the time was over before. `None` if there is no such approval.
        """
        return await self._awaited.wait(approval_id, timeout=timeout)

    async def resolve(self, resolution: Resolution) -> Approval | ResolutionRefused:
        """Carry out a person's answer. Of several answers the first counts. Secrets in what they write are hidden."""
        words = self.redact({"comment": resolution.comment, "told": resolution.told})
        resolution = replace(resolution, comment=str(words["comment"]), told=str(words["told"]))
        return await self.write(
            lambda transaction: resolve(
                transaction, self.deciding, resolution, self.redact, now_in(transaction, self.clock)
            )
        )

    async def look(self, look: ValueLook) -> ShownValue | LookRefused:
        """Show a hidden value of a call that waits to somebody who may see it, once it is recorded that they do."""
        return await self.write(
            lambda transaction: look_at(transaction, self._sealing, look, now_in(transaction, self.clock))
        )

    async def expire_due(self) -> int:
        """Record the expiry of approvals whose time is over."""
        return await self.write(lambda transaction: expire_due(transaction, now_in(transaction, self.clock)))

    async def escalate_due(self) -> int:
        """Record that others may answer approvals that have waited for long."""
        return await self.write(lambda transaction: escalate_due(transaction, now_in(transaction, self.clock)))

    async def retain_due(self) -> int:
        """Remove some of what is too old, if it is time to; how many events that were."""
        return await self.write(self._retain) if self._retaining.due(self.clock()) else 0

    async def count_events(self) -> int:
        """Count some of the events that were not counted yet, for statistics; how many that were at most."""
        found = await self.read(lambda connection: event_counts.uncounted(connection, event_counts.AT_ONCE))
        if found.counts:
            await self.write(lambda transaction: event_counts.count(transaction, found))
        return found.last - found.after

    async def snapshot(self) -> PolicySnapshot:
        """What is in force now."""
        return await self.write(
            lambda transaction: self.deciding.snapshot(transaction, now_in(transaction, self.clock))
        )

    async def aclose(self) -> None:
        """Finish what waits and let the database go. Safe to call twice."""
        loop = asyncio.get_running_loop()
        telling = [each for each in self._telling if each.get_loop() is loop]
        for each in telling:
            each.cancel()
        await asyncio.gather(*telling, return_exceptions=True)
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Like `aclose`, for callers without an event loop."""
        self._backgrounds.close()
        self.signals.close()
        super().close()

    def _retain(self, transaction: Transaction) -> int:
        return self._retaining.run(transaction, now_in(transaction, self.clock))
