"""Public fakes for what is paid or hosted, speaking the real protocols over real sockets.

`ScriptedUpstream` is a model provider that says what it is told to; `running_proxy` is the real LiteLLM proxy in front
of it. Together they test a gateway end to end, without keys and without a network. `HostedBighub` stands in for the
hosted BIGHUB, `ScriptedDecider` for any decider, `PresidioServer` for Microsoft Presidio, `IdentityProvider` for a
provider of OpenID Connect, and `SlackServer` for Slack.
"""

from litellm_bighub.testing.hosted_answers import BlackHole, Hangup, Reply, allow, block, reply, require_approval
from litellm_bighub.testing.hosted_bighub import HostedBighub, HostedRequest
from litellm_bighub.testing.identity_provider import Forgery, IdentityProvider
from litellm_bighub.testing.presidio_server import PresidioServer
from litellm_bighub.testing.running_proxy import ProxyStartError, RunningProxy, running_proxy
from litellm_bighub.testing.scripted_decider import ScriptedDecider
from litellm_bighub.testing.slack_server import SlackForm, SlackMessage, SlackServer, SlackWhisper
from litellm_bighub.testing.upstream.answers import Answer, Failure, Output, Pace, Verbatim
from litellm_bighub.testing.upstream.items import (
    Item,
    apply_patch_call,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    message,
    reasoning,
    refusal,
    shell_call,
    text,
)
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.scripted_upstream import ScriptedUpstream

__all__ = [
    "Answer",
    "BlackHole",
    "Failure",
    "Forgery",
    "Hangup",
    "HostedBighub",
    "HostedRequest",
    "IdentityProvider",
    "Item",
    "Output",
    "Pace",
    "PresidioServer",
    "ProxyStartError",
    "Reply",
    "Request",
    "RunningProxy",
    "ScriptedDecider",
    "ScriptedUpstream",
    "SlackForm",
    "SlackMessage",
    "SlackServer",
    "SlackWhisper",
    "Verbatim",
    "allow",
    "apply_patch_call",
    "block",
    "computer_call",
    "custom_call",
    "function_call",
    "local_shell_call",
    "message",
    "reasoning",
    "refusal",
    "reply",
    "require_approval",
    "running_proxy",
    "shell_call",
    "text",
]
