"""Every sentence that a model, a caller or an approver reads, once. An operator can replace each of them.

A sentence is a template with named placeholders, as in `{tool}`. Replaced sentences are checked when they are read:
one with an unknown placeholder, or without one that it needs, stops the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from string import Formatter
from typing import Final, TypeAlias, cast

import yaml

from litellm_bighub.domain.decision import BlockCause
from litellm_bighub.errors import ConfigurationError, did_you_mean

_OPTIONAL: Final = "optional"


def _sentence(default: str, *, optional: tuple[str, ...] = ()) -> str:
    """A sentence with its default.

    Args:
        default: a replacement has the same placeholders.
        optional: placeholders that a replacement may have or lack.
    """
    return field(default=default, metadata={_OPTIONAL: frozenset(optional)})


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences. Each is a template for `str.format`.

    `tool` is the tool's name, `call_id` the call's id, `approval_id` the approval's id, `arguments` the call's
    arguments as JSON, `reason` the policy's reason, `problem` what is wrong, `paths` places in the request,
    `status` a response's status, `state` an approval's, `name` what there is not, `error` the class of an error,
    `route` a method and path, `entry` what `open_routes` would have to hold, `guardrail` the guardrail's name.
    """

    # In the place of a call that is blocked, one for each cause. None says anything of the policy.
    blocked_policy: str = _sentence('The tool call "{tool}" was blocked by policy and has not been run.')
    blocked_unreachable: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: the control plane that decides on it could not be'
        " reached. Trying again later may help."
    )
    blocked_unreadable: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: the control plane gave no answer that could be read'
        " as a decision. The operator has to look into it."
    )
    blocked_denied: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: a person denied it. Do not make the same call again.'
    )
    blocked_unapproved: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: no approval of a person could be used for it.'
        " The same call can ask for one anew."
    )
    blocked_undecidable: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: the call itself could not be read.'
        " Make it again with a valid name and with arguments that are one valid JSON object."
    )
    blocked_unrecorded: str = _sentence(
        'The tool call "{tool}" was blocked and has not been run: the decision on it could not be recorded.'
        " Trying again later may help."
    )

    # In the place of a call that is blocked or waits for a person after the provider has run it.
    withheld_after_run: str = _sentence(
        'The tool call "{tool}" was withheld after the provider of the model had run it.'
    )

    # In the place of a call that waits for a person, and what follows each of these where `reveal` is `reason`.
    needs_approval: str = _sentence(
        'The tool call "{tool}" needs the approval of a person (approval {approval_id}) and has not been run.'
    )
    needs_approval_without_id: str = _sentence(
        'The tool call "{tool}" needs the approval of a person and has not been run.'
    )
    reason: str = _sentence("Reason: {reason}")
    # What follows the sentence of a call that a person denied or approved, if that person wants the agent to know.
    person_told: str = _sentence("The person says: {told}")
    # What stands in the place of that if a text guardrail refuses it.
    note_withheld: str = _sentence("(withheld by a text check)")

    # In the place of a call whose stream ended, of the output of a call without a notice, of an MCP call that lost its
    # arguments.
    stream_ended: str = _sentence("A tool call was withheld: the stream ended before it was decided on.")
    not_run: str = _sentence('The tool call "{tool}" was withheld and has not been run.')
    edited_to_nothing: str = _sentence(
        'The tool call "{tool}" was approved without arguments, which the gateway cannot pass on.'
    )

    # To the model, when a person changed a call: with its result, or with the call where no result will name it.
    edited: str = _sentence(
        'A person changed the arguments of the tool call "{tool}" ({call_id}) before it ran. It ran with: {arguments}',
        optional=("call_id",),
    )
    edited_before_approval: str = _sentence(
        'A person changed the arguments of the tool call "{tool}" before it was approved. '
        "It is made with the person's arguments."
    )

    # The same of a call that ran as it was, where a person has something to say of it: `person_told` follows.
    approved_note: str = _sentence('A person approved the tool call "{tool}".')

    # To the model, in the place of a request for approval that its caller was shown, and of the caller's answer.
    approval_asked: str = _sentence(
        'The tool call "{tool}" with the arguments {arguments} needs an approval ({approval_id}) and has not been run.',
        optional=("arguments",),
    )
    approval_approved: str = _sentence(
        "I approve the tool call of approval {approval_id}. Make it again, exactly as it was, to run it."
    )
    approval_denied: str = _sentence("I refuse the tool call of approval {approval_id}. Do not make it again.")
    approval_void: str = _sentence("Approval {approval_id} can no longer be answered.")
    approval_ignored: str = _sentence("Approval {approval_id} is for somebody else to answer, who has not done so yet.")

    # To the model of an agent, as the output of a call. The reasons of other blocks are those above.
    agent_withheld: str = _sentence("The call was withheld by policy and has not run.", optional=("tool",))
    agent_waiting: str = _sentence("The call waits for a person's approval and has not run.", optional=("tool",))
    agent_undecidable: str = _sentence("The call could not be decided on and has not run.", optional=("tool",))
    agent_unknown_tool: str = _sentence("no tool {tool} is registered")
    agent_arguments: str = _sentence("invalid arguments: {problem}", optional=("tool",))
    agent_edited_arguments: str = _sentence("the approved arguments do not fit the tool: {problem}", optional=("tool",))
    agent_unregistered: str = _sentence("no tool of this name is registered", optional=("tool",))
    agent_edit_unfit: str = _sentence("the edited arguments do not fit the tool", optional=("tool",))
    agent_cut_off: str = _sentence("the response is {status}, its calls may be cut off", optional=("tool",))

    # To a caller whose request is refused.
    unapproved_result: str = _sentence(
        "The request holds results of tool calls that were withheld or never made: {paths}."
    )
    route_refused: str = _sentence(
        "{route} is refused by guardrail {guardrail}: tool calls on it could not be decided on."
    )
    route_opening: str = _sentence(
        "An operator can open it with `open_routes: {entry}`, or all such routes with `ungoverned_routes: allow`.",
        optional=("entry",),
    )
    routes_opening: str = _sentence("An operator can open such routes with `ungoverned_routes: allow`.")
    texts_refused: str = _sentence("{route} is refused by guardrail {guardrail}: texts on it could not be checked.")
    texts_opening: str = _sentence(
        "An operator can open it with `open_routes: {entry}` of that guardrail, or all such routes with"
        " `unchecked_routes: allow`.",
        optional=("entry",),
    )
    texts_all_opening: str = _sentence(
        "An operator can open such routes with `unchecked_routes: allow` of that guardrail."
    )
    answer_refused: str = _sentence(
        "The answer on {route} was refused: {problem}. Tool calls in it could not be decided on.",
        optional=("problem",),
    )
    answer_refused_anywhere: str = _sentence(
        "The answer was refused: {problem}. Tool calls in it could not be decided on.", optional=("problem",)
    )
    documents_refused: str = _sentence("no guardrail could check the words of documents here")
    body_refused: str = _sentence("the body is no JSON object")
    mcp_unread: str = _sentence("the MCP message could not be checked")
    sampling_refused: str = _sentence(
        "A model's answer to an MCP server (sampling) must hold no tool call: nobody could decide on it."
    )
    opt_out_unrecorded: str = _sentence(
        "The key has opted out of the guardrail {guardrail}, which could not be recorded."
    )

    # To a caller, in the place of the words of an error of the provider: they may quote a call that was not decided on.
    # `problem` is one of the sentences from `provider_credentials` on, with a code that is known.
    provider_failed: str = _sentence(
        "The provider answered with an error. Its own words are withheld, since they may quote a tool call that nobody"
        " decided on or a text that nobody checked; the gateway logs them at level DEBUG."
    )
    provider_error: str = _sentence(
        "{error}: {problem}. Its own words are withheld, since they may quote a tool call that nobody decided on or a"
        " text that nobody checked; the gateway logs them at level DEBUG.",
        optional=("error",),
    )
    provider_credentials: str = _sentence("the provider refused the gateway's credentials")
    provider_permission: str = _sentence("the provider does not permit this")
    provider_not_found: str = _sentence("the provider does not know the model, or what else the request names")
    provider_timeout: str = _sentence("the provider did not answer in time")
    provider_rate_limit: str = _sentence("a rate limit is reached")
    provider_too_long: str = _sentence("the request is longer than what the model takes")
    provider_content_policy: str = _sentence("the provider's content policy refuses this")
    provider_unreadable: str = _sentence("the provider's answer cannot be read")
    provider_refused: str = _sentence("the provider refused the request")
    provider_unreachable: str = _sentence("the provider could not be reached, or its answer cannot be read")
    provider_unknown: str = _sentence(
        "the provider failed, or its answer cannot be read (status {status})", optional=("status",)
    )
    batch_failed: str = _sentence("The model answered with an error ({error}).", optional=("error",))

    # To approvers: in Slack's messages, and in the inbox as the note on what became of an answer or a login.
    slack_header: str = _sentence("A tool call waits for a person")
    slack_button: str = _sentence("Answer in the inbox")
    slack_notification: str = _sentence("A call of {tool} waits for a person ({approval_id})")
    mail_subject: str = _sentence("A call of {tool} waits for you")
    mail_asks: str = _sentence("A tool call waits for an answer of yours.")
    mail_link: str = _sentence("Answer it in the inbox, where you log in: {url}")
    mail_no_answer: str = _sentence("Nobody reads answers to this mail.")
    slack_over: str = _sentence("A call of {tool} is decided ({approval_id})")
    slack_approved: str = _sentence("Approved by {person}")
    slack_denied: str = _sentence("Denied by {person}")
    slack_expired: str = _sentence("Expired: nobody has answered in time")
    slack_comment: str = _sentence("Why: {comment}")
    slack_user_said: str = _sentence("The user: {text}")
    slack_model_said: str = _sentence("The model: {text}")
    slack_reason: str = _sentence("Answer with a reason")
    slack_form: str = _sentence("A call that waits")
    slack_form_send: str = _sentence("Answer")
    slack_form_verdict: str = _sentence("Your answer")
    slack_form_reason: str = _sentence("Why")
    slack_form_tell: str = _sentence("The agent")
    slack_unknown: str = _sentence(
        "This Slack account is nobody's here. An operator says whose it is: `litellm-bighub users set NAME --slack ID`."
    )
    slack_login_due: str = _sentence(
        "Your last login at the identity provider is too long ago for your roles to count here. "
        "Log in once at {url}, then answer again. Nothing was done."
    )
    slack_no_approver: str = _sentence("You may not answer calls here: you are no approver. Nothing was done.")
    inbox_approved: str = _sentence("Approved. The call may run once.")
    inbox_denied: str = _sentence("Denied.")
    inbox_answered: str = _sentence("Answered. The call does not run, and the agent hears your answer.")
    inbox_many: str = _sentence("All of these calls are answered.")
    inbox_not_all: str = _sentence("Not all of these calls could be answered. Those that are left wait here.")
    inbox_server_gone: str = _sentence(
        "The server cannot be reached. This page goes on by itself once it can be; what you have typed stays."
    )
    inbox_session_gone: str = _sentence("You are logged out. Log in in another tab; what you have typed stays here.")
    inbox_answer_missing: str = _sentence("Write what the agent hears. Nothing was done.")
    inbox_first: str = _sentence("Noted. Another person must approve as well.")
    inbox_allowed: str = _sentence("Approved, and allowed for a while.")
    inbox_unreadable: str = _sentence("The edited arguments are not one JSON object. Nothing was changed.")
    inbox_edited_twice: str = _sentence(
        "Both the fields and the JSON were changed. Change one of them. Nothing was done."
    )
    inbox_edit_unused: str = _sentence(
        'You changed arguments: choose "Approve these arguments", or put them back. Nothing was done.'
    )
    inbox_refused_changed: str = _sentence("The arguments were changed meanwhile. Read them again. Nothing was done.")
    inbox_refused_unknown: str = _sentence("There is no such approval.")
    inbox_refused_expired: str = _sentence("Too late: the approval has expired.")
    inbox_refused_resolved: str = _sentence("Somebody else was quicker: it is already answered.")
    inbox_refused_same_person: str = _sentence(
        "You have approved it already. Another person must approve as well; a key counts as whoever made it."
    )
    inbox_refused_not_approver: str = _sentence("This call needs the approval of other people. Nothing was done.")
    inbox_refused_own_call: str = _sentence("You asked for this call: somebody else must approve it. Nothing was done.")
    inbox_refused_no_allowance: str = _sentence(
        "Calls that need several or certain people, or that a rule of their key or team asks about, are not allowed for"
        " a while. Nothing was done."
    )
    inbox_refused_too_long: str = _sentence("No rule can hold names as long as this caller's. Nothing was changed.")
    inbox_refused_hidden: str = _sentence(
        "The edited arguments would write what is hidden, or what stands for it, into the call. Leave hidden values as "
        "they are shown, or take them out. Nothing was changed."
    )
    inbox_refused_blocked: str = _sentence("The policy blocks the edited call. Nothing was changed.")
    inbox_look_over: str = _sentence("The call no longer waits: its hidden values are gone.")
    inbox_look_not_visible: str = _sentence("You may not look at this value.")
    inbox_look_unopened: str = _sentence(
        "No key of this server opens this value: another key sealed it, or it was altered. You can still deny the call."
    )
    inbox_login_throttled: str = _sentence("Too many attempts. Wait a minute.")
    inbox_login_refused: str = _sentence("This key does not open the inbox.")
    inbox_password_refused: str = _sentence("This name and password do not open the inbox.")
    inbox_provider_down: str = _sentence(
        "The identity provider does not answer. Names with passwords and keys still open the inbox."
    )
    inbox_provider_refused: str = _sentence("The login at the identity provider did not succeed. Start it anew.")
    inbox_provider_no_role: str = _sentence(
        "You have no role here. Whoever runs the identity provider can put you into a group that has one."
    )
    inbox_provider_disabled: str = _sentence("Your login is disabled here. An operator can enable it again.")
    inbox_password_wrong: str = _sentence("This is not your password. Nothing was changed.")
    inbox_password_short: str = _sentence("The new password is too short. Nothing was changed.")
    inbox_user_changed: str = _sentence("Changed.")
    inbox_session_ended: str = _sentence("The session is over.")
    inbox_code_wrong: str = _sentence("This code is wrong, or used already. Nothing was done.")
    inbox_code_late: str = _sentence("This login has taken too long. Start it anew.")
    inbox_code_unchecked: str = _sentence(
        "Your second factor cannot be checked here. An operator has to set the server's key."
    )
    inbox_totp_enrolled: str = _sentence("From now on a code is asked for when you log in.")
    inbox_totp_removed: str = _sentence("You have no second factor any more.")
    inbox_always_accepted: str = _sentence(
        "The rule is accepted, and in force with the next decision of every process."
    )
    inbox_always_changed: str = _sentence(
        "The policy or the record has changed since you saw the rule. Look at it again. Nothing was done."
    )
    inbox_switched_on: str = _sentence("The kill switch is on, from the next decision of every process on.")
    inbox_switched_off: str = _sentence("The kill switch is off.")
    inbox_switch_gone: str = _sentence("This kill switch is off already.")
    inbox_switch_twice: str = _sentence("A kill switch that blocks the same is on already. Nothing was done.")
    inbox_switch_reason: str = _sentence("Write why. Nothing was done.")
    inbox_switch_unclear: str = _sentence("Say what is blocked: every call, a domain, or a rule. Nothing was done.")

    # On the pages of the inbox. What stands in backticks is shown as code.
    page_api_key: str = _sentence("Send a key as `X-API-Key` or as a bearer token.")
    page_api_schema: str = _sentence("The OpenAPI schema says the same to programs.")
    page_login: str = _sentence(
        "Use an API key with the scope `approvals:resolve`. `litellm-bighub serve` prints one at its first start."
    )
    page_login_user: str = _sentence("Log in with your name and password.")
    page_login_key: str = _sentence("With an API key")
    page_login_provider: str = _sentence("Log in at the identity provider")
    page_logged_in: str = _sentence("You are logged in.")
    page_go_on: str = _sentence("Go on to the inbox")
    page_refused: str = _sentence("That did not work")
    page_back: str = _sentence("Go back to the form")
    page_nothing_here: str = _sentence("There is no such page.")
    page_misread: str = _sentence("The address or the form has something in it that this page does not know.")
    page_people: str = _sentence(
        "People who have a login of their own. `litellm-bighub users` adds and changes them on the server."
    )
    page_no_people: str = _sentence(
        "Nobody has a login of their own. `litellm-bighub users add` makes one on the server."
    )
    page_not_told: str = _sentence("unknown")
    page_password_change: str = _sentence("Change your password")
    page_password_help: str = _sentence(
        "At least {shortest} characters. You are logged out everywhere and log in again."
    )
    page_totp: str = _sentence("Second factor")
    page_totp_on: str = _sentence(
        "Your authenticator app is asked for a code when you log in. {count} recovery codes are left."
        " With a code you can give it up, for another app too."
    )
    page_totp_code: str = _sentence("Code of the app, or a recovery code")
    page_totp_remove: str = _sentence("Give it up")
    page_totp_required: str = _sentence("Here everybody with a password needs a second factor. Enrol first.")
    page_totp_scan: str = _sentence(
        "Scan this with an authenticator app, then type your password and the code that the app shows."
    )
    page_totp_qr: str = _sentence("QR code for an authenticator app")
    page_totp_typed: str = _sentence("Type the secret instead")
    page_totp_first: str = _sentence("Code of the app")
    page_totp_enrol: str = _sentence("Enrol")
    page_totp_yours: str = _sentence("A code of your authenticator app is asked for when you log in.")
    page_totp_none: str = _sentence("Your password alone logs you in.")
    page_totp_change: str = _sentence("Change")
    page_totp_begin: str = _sentence("Enrol an authenticator app")
    page_recovery: str = _sentence("Recovery codes")
    page_recovery_help: str = _sentence(
        "Each of these logs you in once, without the app. They are shown this once: keep them where the app is not."
    )
    page_code_help: str = _sentence("Type the code that your authenticator app shows.")
    page_code_back: str = _sentence("Log in as somebody else")
    page_sessions: str = _sentence("Who is logged in")
    page_this_session: str = _sentence("this one")
    page_end_session: str = _sentence("End")
    page_disable: str = _sentence("Disable")
    page_enable: str = _sentence("Enable")
    page_disabled_since: str = _sentence("disabled since {time}")
    page_log_out: str = _sentence("Log out")
    page_skip: str = _sentence("Skip to content")
    page_waiting: str = _sentence("Waiting for you")
    page_notify: str = _sentence("Notify me")
    page_silence: str = _sentence("Stop notifying me")
    page_call_waits: str = _sentence("A call waits for you")
    page_switch_global: str = _sentence("A kill switch is on: every call is blocked.")
    page_switch_domain: str = _sentence("A kill switch is on: calls of the domain {domain} are blocked.")
    page_switch_rule: str = _sentence("A kill switch is on: calls that the rule {rule} decides on are blocked.")
    page_switch_by: str = _sentence("Switched on by {person}, {time}.")
    page_switch: str = _sentence("Kill switch")
    page_switch_help: str = _sentence("Blocks calls at once, in every process, until somebody lifts it.")
    page_switch_none: str = _sentence("No kill switch is on.")
    page_switch_to_lift: str = _sentence("Lift it")
    page_switch_lift: str = _sentence("Lift")
    page_switch_why_off: str = _sentence("Why it is lifted")
    page_switch_set: str = _sentence("Set a kill switch")
    page_switch_what: str = _sentence("What it blocks")
    page_switch_every_call: str = _sentence("Every call")
    page_switch_of_domain: str = _sentence("Calls of a domain")
    page_switch_domain_name: str = _sentence("Domain")
    page_switch_of_rule: str = _sentence("Calls that a rule decides on")
    page_switch_rule_name: str = _sentence("Rule")
    page_switch_why_on: str = _sentence("Why")
    page_switch_block: str = _sentence("Block")
    page_switch_lately: str = _sentence("Lately")
    page_switch_was_on: str = _sentence("{time}: set by {person}.")
    page_switch_was_off: str = _sentence("{time}: lifted by {person}.")
    page_typed: str = _sentence("You had typed:")
    page_recent: str = _sentence("Lately decided")
    page_nothing_yet: str = _sentence("Nothing yet.")
    page_send_request: str = _sentence("Send a request with tools through the gateway.")
    page_nothing_waits: str = _sentence("Nothing waits")
    page_none_waiting_fits: str = _sentence("None of the waiting calls fits")
    page_all_waiting: str = _sentence("Show all {count} that wait")
    page_when_calls_wait: str = _sentence(
        "Calls appear here, by themselves, when a rule asks for a person: `effect: require_approval`, or a value above"
        " `require_approval_above` in `bighub_policy.yaml`."
    )
    page_explain: str = _sentence("`litellm-bighub policy explain` tells what your policy says of a call.")
    page_shown: str = _sentence("{shown} of {found} are shown.")
    page_more_groups: str = _sentence("More groups: {count}")
    page_approve_these: str = _sentence("Approve these {count}")
    page_deny_these: str = _sentence("Deny these {count}")
    page_until: str = _sentence("until {time}")
    page_votes: str = _sentence("{have} of {count} approvals by {who}")
    page_votes_anybody: str = _sentence("{have} of {count} approvals by different people")
    page_votes_so_far: str = _sentence("so far: {people}")
    page_escalates: str = _sentence("From {time} on, {who} may approve too.")
    page_not_yours: str = _sentence("You cannot answer this call: others must.")
    page_own_call: str = _sentence("You asked for this call: somebody else must approve it. You can deny it.")
    page_voted: str = _sentence("You have approved it.")
    page_target: str = _sentence("target")
    page_requester_unknown: str = _sentence("user unknown")
    page_arguments_edited: str = _sentence("{person} has edited the arguments; this is what would run:")
    page_approve: str = _sentence("Approve")
    page_deny: str = _sentence("Deny")
    page_comment: str = _sentence("Comment (optional)")
    page_tell_comment: str = _sentence("Tell the agent my comment")
    page_respond: str = _sentence("Answer in its place")
    page_respond_help: str = _sentence("The call does not run; the agent hears this.")
    page_respond_button: str = _sentence("Answer the agent")
    page_edit: str = _sentence("Edit and approve")
    page_edit_help: str = _sentence("What is left as shown stays what it was, also where it is redacted.")
    page_edit_json: str = _sentence("All arguments as JSON")
    page_edit_json_help: str = _sentence("Change either this or the fields above.")
    page_edit_button: str = _sentence("Approve these arguments")
    page_allow: str = _sentence("Approve, and allow for a while")
    page_allow_help: str = _sentence("This tool for this caller, within the rule's other bounds, for")
    page_minutes: str = _sentence("{count} minutes")
    page_allow_button: str = _sentence("Approve and allow")
    page_always: str = _sentence("Always allow this")
    page_always_look: str = _sentence("See the rule that would always allow this call. Nothing changes by looking.")
    page_always_rule: str = _sentence("The rule")
    page_always_before: str = _sentence("It stands before the rule `{rule}`, which asks.")
    page_always_behind: str = _sentence("It stands behind all rules: no rule decides on this call.")
    page_always_calls: str = _sentence(
        "Different calls among {looked} recorded ones that it would have allowed: {count}"
    )
    page_always_alone: str = _sentence("It would have allowed none of the other recorded calls that were not allowed.")
    page_always_not: str = _sentence("What accepting it does not do")
    page_always_not_answered: str = _sentence(
        "It answers no call that waits. The policy changes, so calls that wait have to be asked again."
    )
    page_always_not_others: str = _sentence("It allows nothing for another actor, domain or tool.")
    page_always_not_named: str = _sentence(
        "It restricts nothing that it does not name: other arguments, the key, team, model and route may be any."
    )
    page_always_not_wider: str = _sentence("It never grows by itself, and it stays until somebody removes it.")
    page_always_accept: str = _sentence("Accept the rule")
    page_always_who: str = _sentence("Only an operator can accept it: somebody who may change rules (`rules:write`).")
    page_always_file: str = _sentence(
        "It cannot be accepted here: a rule that is added here would come before another one that may decide on such a"
        " call. Copy it into the policy file instead, among `rules`, to the place above."
    )
    page_always_none: str = _sentence("No rule is proposed for this call.")
    page_always_refused: str = _sentence("A rule blocked the same call, or a person denied or edited it.")
    page_always_held: str = _sentence(
        "A rule in the metadata of its key or team asks, which counts whatever the policy allows."
    )
    page_always_limited: str = _sentence(
        "The rule that asks has limits, sums or hours, which a proposed rule would not have."
    )
    page_always_hidden: str = _sentence("Something in its arguments was hidden when they were recorded.")
    page_always_wrapped: str = _sentence("A wrapper or a variable before the command changes what it runs.")
    page_always_unsure: str = _sentence("A word of the command is known only when it runs.")
    page_always_unread: str = _sentence("A part of it cannot be read, or no pattern stands for it alone.")
    page_always_inexact: str = _sentence(
        "No rule allows just this call and those like it that people approved: each would allow another recorded call,"
        " or none."
    )
    page_always_allowed: str = _sentence("The policy in force allows it without a person.")
    page_always_unasked: str = _sentence("No person was asked about it.")
    page_always_people: str = _sentence(
        "The rule that asks wants several or certain people, and one alone cannot end that."
    )
    page_always_history: str = _sentence(
        "The rule that asks depends on what came before in the conversation, which a proposed rule would not."
    )
    page_more_lines: str = _sentence("More lines: {count}")
    page_marked: str = _sentence("{count} marked")
    page_more_characters: str = _sentence("More characters on the page of this call: {count}")
    page_more_rows: str = _sentence("More rows on the page of this call: {count}")
    page_more_fields: str = _sentence("More on the page of this call: {count}")
    page_html_preview: str = _sentence("How the HTML looks, without images, links and scripts")
    page_html_source: str = _sentence("Its source")
    page_deceits: str = _sentence("Some of this looks other than it is, and is marked: {what}.")
    page_hidden: str = _sentence("Hidden values")
    page_hidden_help: str = _sentence("Who looks is recorded, the value is not.")
    page_hidden_show: str = _sentence("Show")
    page_hidden_place: str = _sentence("Show {place}")
    page_hidden_from_you: str = _sentence("{who} may look")
    page_no_arguments: str = _sentence("No arguments.")
    page_why: str = _sentence("Why this call")
    page_told_by_caller: str = _sentence("as the caller tells it")
    page_before: str = _sentence(
        "This actor's calls of this tool in 30 days: {count} ({approved} approved, {denied} denied, {expired} expired)."
    )
    page_total: str = _sentence(
        "`{rule}`, this {period}: {used} of {limit} {currency} used, {reserved} reserved with this call, {left} left."
    )
    page_limit_use: str = _sentence("`{rule}`, `{field}`: {used} of {limit} calls used without this one, {left} left.")
    page_cooldown: str = _sentence("`{rule}`, `{field}`: {left} of {limit} seconds left until it allows a call again.")
    page_before_median: str = _sentence("Their median value is {value}.")
    page_last_approval: str = _sentence("Last approved by {person}, {time}.")
    page_last_denial: str = _sentence("Last denied by {person}, {time}.")
    page_before_none: str = _sentence("Nobody was asked about a call of this tool by this actor in 30 days.")
    page_untrusted: str = _sentence("words of the caller, the model and the tools: claims, not facts")
    page_steps_left_out: str = _sentence("Steps left out here: {count}")
    page_characters_left_out: str = _sentence("Characters left out here: {count}")
    page_more_steps: str = _sentence("More steps of the conversation: {count}")
    page_tool_told: str = _sentence("What the request says of this tool")
    page_tool_said: str = _sentence("The request says of this tool:")
    page_tool_schema: str = _sentence("Schema of its arguments")
    page_redacted: str = _sentence("Redacted before it was stored. SHA-256 of the whole:")
    page_edited_by: str = _sentence("Edited by {person}")
    page_no_decisions: str = _sentence("No decisions")
    page_none_fits: str = _sentence(
        "None fits these filters. Clear them, or send a request with tools through the gateway."
    )
    page_no_decisions_yet: str = _sentence("No decisions yet")
    page_charts: str = _sentence("Decisions of the last {span}")
    page_span: str = _sentence("Time (UTC)")
    page_over_time: str = _sentence("Decisions over time")
    page_most_asked: str = _sentence("The ten that were asked for most.")
    page_newest: str = _sentence("How long decisions took: of the newest {count}.")
    page_latency: str = _sentence("How long decisions took")
    page_policy: str = _sentence("Policy")
    page_policy_digest: str = _sentence("Digest")
    page_policy_since: str = _sentence("in force since {time}")
    page_policy_file: str = _sentence("File")
    page_policy_rules: str = _sentence("Rules")
    page_policy_shadow: str = _sentence("Shadow mode: decisions are recorded, and every call passes.")
    page_policy_refused: str = _sentence(
        "The file was changed to something that is refused, and the rules below stay in force. {place}: {problem}"
    )
    page_nothing_today: str = _sentence("nothing decided.")
    page_today: str = _sentence("Today (UTC):")
    page_rule_days: str = _sentence("Days to look back")
    page_rule_unreached: str = _sentence("It decided no call in {days} days.")
    page_rules_counted: str = _sentence(
        "A call counts for one rule: of a call with several parts, for the one behind its strictest answer. The others"
        " that decided on a part are not counted here."
    )
    page_rules_unreached: str = _sentence("Rules that decided no call in {days} days: {count}")
    page_rule_of_pack: str = _sentence("pack {pack}")
    page_rule_of_api: str = _sentence("added by API ({id})")
    page_rule_of_allowance: str = _sentence("temporary allowance ({id})")
    page_rule_paused: str = _sentence("The rule is paused.")
    page_rule_over: str = _sentence("The time of the rule is over.")
    page_rule_examples: str = _sentence("Examples: {count}")
    page_rule_default: str = _sentence("Where no rule fits")
    page_sums: str = _sentence("Counters and sums")
    page_limit: str = _sentence("Limit")
    page_whose: str = _sentence("Of")
    page_everybody: str = _sentence("all callers together")
    page_used: str = _sentence("Used")
    page_reserved: str = _sentence("Reserved")
    page_left: str = _sentence("Left")
    page_explain_call: str = _sentence("Explain a call")
    page_explain_decision: str = _sentence("The recorded decision")
    page_explained: str = _sentence("What the policy says")
    page_explain_switch: str = _sentence("A kill switch is on, which blocks it whatever the rules say.")
    page_explain_parts: str = _sentence("Parts of the call")
    page_explain_free: str = _sentence("Other parts, which no rule restricts: {count}")
    page_explain_rules: str = _sentence("Rules, in the order in which they are tried")
    page_explain_decides: str = _sentence("fits and decides")
    page_explain_sides: str = _sentence("`{field}` does not fit: the rule has `{rule}`, the call `{call}`")
    page_explain_no_part: str = _sentence("none of its patterns fits a part that is left to decide on")
    page_explain_when: str = _sentence("its condition does not hold")
    page_explain_unread: str = _sentence("Rules behind these, which are not asked: {count}")
    page_explain_total: str = _sentence(
        "`{rule}`, this {period}: {used} of {limit} {currency} used, {reserved} reserved, {left} left."
    )
    page_explain_hides: str = _sentence(
        "Something in the arguments was hidden when they were recorded; a condition over it may come out differently."
    )
    page_explain_nothing: str = _sentence(
        "This is what the policy in force says now. Nothing was decided, counted or reserved."
    )
    page_explain_json_label: str = _sentence("Arguments, as JSON")
    page_explain_caller: str = _sentence("More about the caller")
    page_explain_taint: str = _sentence("Labels of earlier results")
    page_explain_button: str = _sentence("Explain")
    page_explain_no_tool: str = _sentence("Tool: name one.")
    page_explain_no_type: str = _sentence("Type: one of {types}.")
    page_explain_too_long: str = _sentence("{name}: at most {most} characters.")
    page_explain_arguments: str = _sentence("Arguments: {problem}.")
    page_explain_json: str = _sentence("Arguments, line {line}, column {column}: {problem}.")
    page_explain_blocked: str = _sentence("It is blocked before any rule is asked: {problem}.")
    page_rule_text: str = _sentence("Text of the rule “{rule}”")
    page_without_up_to: str = _sentence("Up to {threshold} it would run without a person.")
    page_without_other_rule: str = _sentence(
        "Every call that this rule fits needs a person; only a rule before it could let this one run without."
    )
    page_without_allowed_command: str = _sentence(
        "It would run without a person if an `allow` list of the rule fitted every command in it."
    )
    page_without_rule: str = _sentence(
        "No rule fits this call, and the default asks a person. A rule that allows it would let it run without one."
    )
    page_story: str = _sentence("Story")
    page_story_after: str = _sentence("after {time}")
    page_story_judged: str = _sentence("{actor} asked for `{tool}`. The rule `{rule}` decided: {verdict}; {reason}.")
    page_story_default: str = _sentence("{actor} asked for `{tool}`. No rule decided: {verdict}; {reason}.")
    page_story_shadow: str = _sentence("In shadow mode it passed all the same.")
    page_story_asked: str = _sentence("People were asked for approval.")
    page_story_until: str = _sentence("They can answer until {time}.")
    page_story_first: str = _sentence("{person} approved. Another person must approve as well.")
    page_story_approved: str = _sentence("{person} approved.")
    page_story_edited: str = _sentence("{person} approved other arguments.")
    page_story_denied: str = _sentence("{person} denied.")
    page_story_told: str = _sentence("The agent hears:")
    page_story_escalated: str = _sentence("Others are asked, too: {who}.")
    page_story_expired: str = _sentence("The time of the approval was over.")
    page_story_looked: str = _sentence("{person} looked at the hidden value of `{argument}`.")
    page_story_used: str = _sentence("The call was made, and the approval is used up.")
    page_story_used_edited: str = _sentence("The call was made with the edited arguments, and the approval is used up.")
    page_story_outcome: str = _sentence("{person} reported an outcome:")
    page_story_outcome_unsigned: str = _sentence("An outcome was reported:")
    page_story_decision: str = _sentence("That decision")
    page_story_event: str = _sentence("event {number}")
    page_story_waits: str = _sentence("It waits. Time left: {time}.")
    page_story_answer: str = _sentence("The card")
    page_story_unused: str = _sentence("The approval is not used yet; it can be until {time}.")
    page_story_verify: str = _sentence(
        "`litellm-bighub audit verify --since {number}:{digest}` checks the audit behind the last of these events."
    )
    page_from_day: str = _sentence("From (UTC)")
    page_to_day: str = _sentence("To (UTC)")
    page_export: str = _sentence("All of these as a file:")
    page_search_waiting: str = _sentence("arguments, tool, actor")
    page_search_decisions: str = _sentence("arguments, reason, id")
    page_api_meaning: str = _sentence("what it means")

    # To programs and people who ask the control plane's HTTP API for what it refuses.
    api_key_needed: str = _sentence("an API key is needed, as X-API-Key")
    api_key_unknown: str = _sentence("this API key is unknown, revoked or expired")
    api_key_login_due: str = _sentence(
        "this API key is somebody's whose last login at the identity provider is too long ago; they log in once"
    )
    api_address_not_allowed: str = _sentence("the API key {prefix}… may not be used from this address")
    api_rate_limited: str = _sentence("the API key {prefix}… may make {limit} requests a minute")
    api_another_actor: str = _sentence("the API key {prefix}… ({name}) does not speak for the actor {actor}")
    api_another_caller: str = _sentence(
        "the API key {prefix}… ({name}) speaks for {actor}, and may not name another key, user, team or earlier calls"
    )
    api_missing_scope: str = _sentence("this API key has none of: {scopes}")
    api_pending_only: str = _sentence("an agent's API key sees what is pending, and nothing else")
    api_scope_missing: str = _sentence("your key does not have the scope {scope}")
    api_form_elsewhere: str = _sentence("this form does not come from the inbox; reload the page")
    api_not_found: str = _sentence("there is no {what} {name}")
    api_not_embedded: str = _sentence("the embedded control plane has no /{prefix}; the hosted BIGHUB does")
    api_too_large: str = _sentence("a body has at most {limit} bytes")
    api_broken: str = _sentence(
        "the server has made a mistake, which its log tells; look whether it was done before you try again"
    )
    api_unstorable: str = _sentence("the database cannot hold one of the values")
    api_unavailable: str = _sentence("{problem}", optional=("problem",))
    api_idempotency_key_reused: str = _sentence("this Idempotency-Key came with another request before")
    api_invalid_rule: str = _sentence("{problem}", optional=("problem",))
    api_patch_refused: str = _sentence("{problem}", optional=("problem",))
    api_version_conflict: str = _sentence("the rule was changed in the meantime")
    api_rule_version: str = _sentence("the rule is at version {version}")
    api_bad_if_match: str = _sentence('If-Match has the form W/"rule:<id>:v<n>"')
    api_no_actor: str = _sentence("an actor is for a key that asks for decisions, and is not taken away again")
    api_not_the_holder: str = _sentence("a key is rotated by itself alone, and this is {prefix}…")
    api_rotated: str = _sentence("the key was revoked in the meantime")
    api_no_url: str = _sentence("a webhook needs a url")
    api_too_many_connections: str = _sentence("this API key has {limit} live sessions")
    api_no_live_connection: str = _sentence("there is no such live session of this API key and actor; connect again")
    api_no_modification: str = _sentence("a modified review needs modified_action with the new arguments")
    api_no_arguments: str = _sentence(
        "a modified action is an object with `arguments`, or with `value` or `target`, for the same `action`"
    )
    api_another_action: str = _sentence("a person may change the arguments, not the action; deny it instead")
    api_not_oneself: str = _sentence("nobody disables themselves: let somebody else do it")
    api_slack_unsigned: str = _sentence("this is not signed by Slack, is too old, or was answered before")
    api_refused_unknown: str = _sentence("there is no approval {name}")
    api_refused_expired: str = _sentence("the approval has expired")
    api_refused_expired_because: str = _sentence("the approval has expired: {reason}")
    api_refused_resolved: str = _sentence("the approval is already {state}")
    api_refused_same_person: str = _sentence(
        "another person must approve as well; a key counts as the person who made it"
    )
    api_refused_not_approver: str = _sentence("this call needs the approval of others: {who}")
    api_refused_own_call: str = _sentence("nobody approves a call of their own")
    api_refused_no_allowance: str = _sentence(
        "a call that needs several or certain people, or that a rule of its key or team asks about, is not allowed"
        " for a while"
    )
    api_refused_other_people: str = _sentence(
        "the edited call would need other people; deny it and let the agent ask anew"
    )
    api_refused_changed: str = _sentence("the arguments were changed meanwhile; read them again")
    api_refused_unseen_edit: str = _sentence(
        "somebody has edited the arguments; read them, and answer with the ballot of the approval"
    )
    api_refused_blocked: str = _sentence("the policy blocks the edited call: {reason}")
    api_refused_uneditable: str = _sentence(
        "the gateway that asked runs the arguments it has; deny, and say what to change"
    )
    api_refused_undecidable: str = _sentence(
        "the edited arguments cannot be decided on: {problem}", optional=("problem",)
    )
    api_refused_two_people: str = _sentence("the edited call would need two people; deny it and let the agent ask anew")
    api_refused_hidden: str = _sentence(
        "the edited arguments hold what stands for a hidden value; leave it as it is shown, or take it out"
    )
    api_refused_hidden_told: str = _sentence(
        "the edited arguments hold what is hidden in this call, and they would be stored; leave it as it is shown"
    )
    api_refused_too_long: str = _sentence("no rule can hold names as long as the caller's")

    def blocked(self, cause: BlockCause, tool: str) -> str:
        """The sentence in the place of a blocked call."""
        template: str = getattr(self, f"blocked_{cause}")
        return template.format(tool=tool)

    def waiting(self, tool: str, approval_id: str) -> str:
        """The sentence in the place of a call that needs a person."""
        if not approval_id:
            return self.needs_approval_without_id.format(tool=tool)
        return self.needs_approval.format(tool=tool, approval_id=approval_id)

    def may_be_notice(self, said: str) -> bool:
        """Whether a message may be the sentence in the place of a call: it begins like one."""
        return said.startswith(tuple(getattr(self, name).partition("{")[0] for name in _IN_PLACE))

    def refused_answer(self, problem: str, route: str) -> str:
        """The sentence to a caller whose answer has an unknown shape; the route may be unknown."""
        if not route:
            return self.answer_refused_anywhere.format(problem=problem)
        return self.answer_refused.format(problem=problem, route=route)

    def person_says(self, told: str) -> str:
        """What follows a sentence to tell what a person has to say; nothing without that."""
        return f" {self.person_told.format(told=told)}" if told else ""

    def approved(self, tool: str, told: str, *, edited: str = "") -> str:
        """What tells the model of an approved call that a person has changed or says something of; else nothing."""
        return (edited or self.approved_note.format(tool=tool)) + self.person_says(told) if told or edited else ""

    def because(self, reason: str) -> str:
        """What follows a sentence to tell its reason; nothing without one."""
        return f" {self.reason.format(reason=reason)}" if reason else ""


_IN_PLACE: Final = tuple(
    each.name for each in fields(Wording) if each.name.startswith(("blocked_", "needs_approval", "stream_"))
)
"""The sentences that stand in the place of a call; a request may hold a thousand messages that are compared."""

ENGLISH: Final = Wording()
"""The default."""

WordingSource: TypeAlias = Wording | Mapping[str, object] | str | Path
"""Sentences, replacements by name, or the path of a YAML file that maps names to replacements."""


def read_wording(source: WordingSource, key: str = "wording") -> Wording:
    """The default sentences with an operator's replacements.

    Args:
        source: the replacements.
        key: the setting's name, for errors.

    Raises:
        ConfigurationError: the file cannot be read, a name is unknown, or a sentence cannot be used.
    """
    if isinstance(source, Wording):
        given: Mapping[str, object] = {each.name: getattr(source, each.name) for each in fields(source)}
    elif isinstance(source, Mapping):
        given = source
    else:
        given = _read_file(Path(source), key)
    known = {each.name: each for each in fields(Wording)}
    for name, sentence in given.items():
        if name not in known:
            raise ConfigurationError(f"{key}.{name}", f"is no sentence{did_you_mean(str(name), list(known))}")
        if not isinstance(sentence, str) or not sentence.strip():
            raise ConfigurationError(f"{key}.{name}", "is no text")
        default, optional = cast("str", known[name].default), cast("frozenset[str]", known[name].metadata[_OPTIONAL])
        _check(f"{key}.{name}", sentence, _placeholders(default), optional)
    return replace(ENGLISH, **cast("dict[str, str]", dict(given)))


def _read_file(path: Path, key: str) -> Mapping[str, object]:
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(key, f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(key, f"{path} is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(key, f"{path} is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(content, Mapping):
        raise ConfigurationError(key, f"{path} is no mapping of sentences by name")
    return cast("Mapping[str, object]", content)


def _check(key: str, sentence: str, default: frozenset[str], optional: frozenset[str]) -> None:
    wanted = default | optional
    try:
        found = _placeholders(sentence)
    except ValueError as error:
        raise ConfigurationError(key, f"cannot be read ({error}); a brace that is no placeholder is doubled") from error
    if unknown := sorted(found - wanted):
        instead = f"; it knows {_written(wanted)}" if wanted else "; it has no placeholders"
        raise ConfigurationError(key, f"has the unknown placeholder {_written(unknown[:1])}{instead}")
    if missing := sorted(wanted - optional - found):
        raise ConfigurationError(key, f"lacks the placeholder {_written(missing[:1])}")


def _placeholders(sentence: str) -> frozenset[str]:
    """The names in braces. One with an attribute, an index or a format counts whole, so that it is unknown."""
    parts = Formatter().parse(sentence)
    return frozenset(
        name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        for _, name, spec, conversion in parts
        if name is not None
    )


def _written(names: frozenset[str] | list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
