"""Every error that the plugin raises on its own account.

```
BighubError
├── ConfigurationError        a setting or policy that cannot be used; stops the start
│   └── AdapterConfigurationError  an agent or a tool of it that cannot be used
├── ProviderResponseError     an agent's run that cannot go on with what the model's provider answered
├── OutcomeReportError        BIGHUB could not be told what an agent's run has done, and that was required
├── PayloadError              a request or answer that has no place for what was found in it
├── UnreadableAnswerError     an answer or a stream whose tool calls cannot be decided on, since its shape is unknown
├── GuardrailAnswerError      a guardrail answered something that cannot be mapped back
├── GateError                 a stream gate was driven against its protocol
├── IdentityProviderUnavailable  the provider that people log in at could not be asked
├── UngovernedCallError       LiteLLM has no hook that could govern this call
└── DecisionError             no decision could be had
    ├── DecisionUnavailable   the decider could not be reached: the only thing that `fail_mode: open` opens
    ├── DecisionRefused       the decider answered, and refused the question (4xx)
    └── DecisionUnreadable    the decider answered something that is no decision

UngovernedCallExit            the same as UngovernedCallError, where LiteLLM lets no `Exception` out of its hook
```

Messages name ids and places (`input[3].content[1].text`), never a payload's text and never a key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

REFUSED: Final = 400
"""The HTTP status of what the guardrail refuses: the only one that every client of the three formats takes as final.

Codex sends a request again after a 401, 403 or 422. Claude Code and Pydantic AI report a 403 as a wrong key.
"""


def did_you_mean(unknown: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is none, if another one is close to it."""
    close = difflib.get_close_matches(unknown, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


class BighubError(Exception):
    """Root of all errors of this package."""


class ConfigurationError(BighubError, RuntimeError):
    """A setting cannot be used.

    A `RuntimeError` too, because LiteLLM starts its proxy *without* a guardrail whose constructor raises `ValueError`
    or `TypeError`, and stops on a `RuntimeError`.

    Args:
        key: the setting's name as the user wrote it, with its place (`guardrails[0].on_block`, `policy.yaml:7`).
        problem: what is wrong with it, one line.
    """

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(f"{key}: {problem}")


class AdapterConfigurationError(ConfigurationError, ValueError):
    """An agent, or a tool of it, is set up in a way that cannot work. A `ValueError` too, as in `bighub_openai`."""


class ProviderResponseError(BighubError, RuntimeError):
    """An agent's run cannot go on: the provider failed, answered what nobody can use, or asked for too many rounds.

    Args:
        problem: what happened.
        events: what the run's tools did until then, in order, as in the payload's `execution.events`.
        response_id: the provider's id of the response that it ended with.
    """

    def __init__(self, problem: str, events: Sequence[Mapping[str, Any]] = (), response_id: str | None = None) -> None:
        self.problem = problem
        self.events = list(events)
        self.response_id = response_id
        super().__init__(problem)


class OutcomeReportError(BighubError, RuntimeError):
    """A run has ended, and with `outcome_reporting_required` BIGHUB could not be told how its calls did.

    The tools have run: `events` says what they did. Do not run them again.

    Args:
        problem: why BIGHUB could not be told.
        events: what the run's tools did, in order, as in the payload's `execution.events`.
    """

    def __init__(self, problem: str, events: Sequence[Mapping[str, Any]] = ()) -> None:
        self.events = list(events)
        super().__init__(f"the outcomes could not be reported to BIGHUB: {problem}")


class PayloadError(BighubError):
    """A payload cannot be read where it has to be.

    Args:
        path: the place, as in `input[3].content[1].text`.
        problem: what is wrong there, without the text itself.

    Attributes:
        status_code: LiteLLM's proxy answers with it, and takes an error that has none for a bug of its own (500).
    """

    status_code: Final = 400

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class UnreadableAnswerError(BighubError):
    """An answer, or an event of a stream, has a shape that nobody here knows, so that it may hold undecided tool calls.

    Args:
        problem: what is wrong, with its place (`choices[0].message is a str`), and nothing of the answer itself.
        message: the sentence for the caller, which names the route; empty where the error is found.

    Attributes:
        status_code: LiteLLM's proxy answers with it.
        type: LiteLLM's proxy puts it into the error's body.
    """

    status_code: Final = REFUSED
    type: Final = "unreadable_answer"

    def __init__(self, problem: str, message: str = "") -> None:
        self.problem = problem
        super().__init__(message or problem)


class GuardrailAnswerError(BighubError):
    """A guardrail's answer has not exactly as many texts as it was given, or cannot be written back.

    Attributes:
        status_code: the caller did nothing wrong; said outright, since LiteLLM logs an error without it as a bug.
    """

    status_code: Final = 500

    def __init__(self, guardrail: str, problem: str) -> None:
        self.guardrail = guardrail
        super().__init__(f"guardrail {guardrail}: {problem}")


class GateError(BighubError):
    """A stream gate was driven against its protocol. Nothing has changed in it."""


class IdentityProviderUnavailable(BighubError):  # noqa: N818 - says a state, and reads so in `except`
    """The provider that people log in at could not be asked, or answered something else than OpenID Connect."""


class UngovernedCallError(BighubError):
    """This call would reach the model ungoverned; the message names the call that is governed."""


class UngovernedCallExit(BaseException):
    """This call would reach the model ungoverned; the message names the call that is governed.

    Like `SystemExit` it is no `Exception`: those LiteLLM logs, in the only hook that this can come from, and goes on.
    """


class DecisionError(BighubError):
    """No decision could be had. Nothing is allowed by it.

    Args:
        message: why, in words that may be logged.
        transient: whether asking the same again may help.
        retry_after: after how many seconds, if the decider said so.

    Attributes:
        status_code: LiteLLM's proxy answers with it where a request cannot go on without the decision.
    """

    status_code: Final = 503

    def __init__(self, message: str = "", *, transient: bool = False, retry_after: float | None = None) -> None:
        self.transient = transient
        self.retry_after = retry_after
        super().__init__(message)


class DecisionUnavailable(DecisionError):  # noqa: N818 - says a state, and reads so in `except`
    """The decider could not be reached: connection refused, timeout, 5xx, open breaker."""


class DecisionRefused(DecisionError):  # noqa: N818
    """The decider was reached and refused the question: bad key, unknown plan, invalid request, conflict."""


class DecisionUnreadable(DecisionError):  # noqa: N818
    """The decider answered something that is no decision."""
