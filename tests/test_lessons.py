"""What other systems of this kind were seen to do wrong, and the tests of ours that fail if we do the same.

Each line is a defect that was run and observed. Tests are named by their file below `tests/`, their function and, for
a row of a table, its id; whoever renames or deletes one hears of it here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

DECIDING = {
    "NaN in the arguments runs the tool undecided under fail-open": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[nan]",
        "deciders/test_tool_decisions.py::test_unreadable_arguments_are_withheld_and_nobody_is_asked[nan]",
    ],
    "so does Infinity": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[infinity]",
        "deciders/test_tool_decisions.py::test_unreadable_arguments_are_withheld_and_nobody_is_asked[infinity]",
    ],
    "so does null in the place of the arguments": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[null]",
        "deciders/test_tool_decisions.py::test_unreadable_arguments_are_withheld_and_nobody_is_asked[null]",
    ],
    "so does null in the place of the amount": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[null-amount]",
        'deciders/test_tool_decisions.py::test_a_call_without_amount_is_asked_about_without_one[{"amount": null}]',
    ],
    "so does an amount in words": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[1e6-USD]",
        "deciders/test_tool_decisions.py::test_an_amount_that_is_no_number_is_withheld_and_nobody_is_asked[1e6 USD]",
    ],
    "so does a lone surrogate": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[lone-surrogate]",
        "deciders/test_tool_decisions.py::test_unreadable_arguments_are_withheld_and_nobody_is_asked[lone surrogate]",
    ],
    "so does an amount whose extraction raises": [
        "agent/flow/test_flow.py::test_a_value_that_cannot_be_had_blocks_in_both_fail_modes[raises]",
        "deciders/test_tool_decisions.py::test_an_amount_that_cannot_be_computed_is_withheld_and_nobody_is_asked",
    ],
    "fail-open runs the tool when the policy service answers 401": [
        "agent/test_hosted.py::test_a_refusal_opens_nothing[401]",
        "deciders/hosted/test_hosted_decider.py::test_fail_open_opens_for_a_dead_service_and_not_for_a_refusing_one[401]",
    ],
    "or 403": [
        "agent/test_hosted.py::test_a_refusal_opens_nothing[403]",
        "deciders/hosted/test_hosted_decider.py::test_fail_open_opens_for_a_dead_service_and_not_for_a_refusing_one[403]",
    ],
    "or 409": [
        "agent/test_hosted.py::test_a_refusal_opens_nothing[409]",
        "deciders/hosted/test_hosted_decider.py::test_fail_open_opens_for_a_dead_service_and_not_for_a_refusing_one[409]",
    ],
    "or 422": [
        "agent/test_hosted.py::test_a_refusal_opens_nothing[422]",
        "deciders/hosted/test_hosted_decider.py::test_fail_open_opens_for_a_dead_service_and_not_for_a_refusing_one[422]",
    ],
    "a tool without a number is always blocked": [
        "agent/flow/test_flow.py::test_a_tool_without_a_number_reaches_the_policy[closed-and-allowed]",
        "deciders/test_tool_decisions.py::test_a_call_without_amount_is_asked_about_without_one",
    ],
    "or under fail-open always run": [
        "agent/flow/test_flow.py::test_a_tool_without_a_number_reaches_the_policy[open-and-blocked]",
    ],
    "`allowed: true` runs beside `result: blocked`": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[allowed-but-result-blocked]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[allowed, result blocked]",
        "gateway/test_proxy_whole.py::test_the_hosted_bighub_decides[contradicts itself]",
    ],
    'the text "false" runs as `allowed`': [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[allowed-is-the-text-false]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[allowed is the text false]",
    ],
    "`proceed_with_caution` runs under an active kill switch": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[caution-under-a-kill-switch]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[kill switch with caution]",
    ],
    "a recommendation that nobody knows runs": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[unknown-recommendation]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[unknown recommendation]",
    ],
    "an enforced block runs when its mode is written in capitals": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[enforcement-mode-in-the-wrong-case]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[ENFORCED blocked]",
    ],
    "`should_not_run` runs": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[should-not-run]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[should_not_run]",
    ],
    "an active catastrophic ceiling runs": [
        "agent/test_public.py::test_an_answer_that_contradicts_itself_runs_nothing[catastrophic-ceiling-active]",
        "deciders/hosted/test_strict_answer.py::test_the_strictest_reading_wins[catastrophic ceiling]",
    ],
    "an objection beside a permission is overlooked, whichever it is": [
        "deciders/hosted/test_strict_answer.py::test_another_no_never_loosens_a_decision",
        "deciders/hosted/test_strict_answer.py::test_each_no_alone_withholds_an_allowed_call",
    ],
    "parallel calls are decided one after the other": [
        "agent/flow/test_flow.py::test_all_calls_of_a_turn_are_decided_in_one_round_trip",
        "deciders/hosted/test_hosted_decider.py::test_eight_calls_are_asked_about_at_the_same_time",
    ],
    "a black hole in the place of the policy service holds a call for minutes": [
        "agent/test_hosted.py::test_a_policy_service_that_never_answers_is_given_up_at_the_deadline",
        "deciders/hosted/test_hosted_decider.py::test_a_black_hole_ends_with_the_deadline",
    ],
    "and asks it nine times": [
        "agent/test_hosted.py::test_the_retries_of_a_client_that_was_handed_in_do_not_multiply_with_ours",
        "deciders/hosted/test_hosted_decider.py::test_what_a_failure_means_and_how_often_it_is_tried[hangs up]",
    ],
    "repeated questions have no idempotency key": [
        "agent/test_hosted.py::test_a_question_that_is_asked_again_has_the_same_idempotency_key",
        "deciders/hosted/test_hosted_decider.py::test_all_attempts_share_one_idempotency_key",
        "deciders/hosted/test_hosted_decider.py::test_different_calls_have_different_idempotency_keys",
    ],
    "the SDK repeats POSTs by itself": [
        "deciders/hosted/test_hosted_decider.py::test_the_sdk_retries_nothing_by_itself"
    ],
    "each repetition has a time limit of its own": [
        "deciders/hosted/test_hosted_decider.py::test_retries_end_with_the_deadline_too",
        "deciders/hosted/test_hosted_decider.py::test_a_retry_after_beyond_the_deadline_is_not_waited_for",
    ],
    "an id that is a path activates the kill switch": [
        "agent/test_approvals.py::test_a_request_id_that_is_a_path_reaches_no_url",
        "deciders/hosted/test_hosted_decider.py::test_ids_of_the_model_never_reach_the_url",
        "deciders/approvals/test_waiting_decider.py::test_an_id_that_is_a_path_reaches_nobody",
    ],
    "the client's repr shows the API key": [
        "agent/test_public.py::test_no_key_is_shown",
        "deciders/hosted/test_hosted_decider.py::test_no_repr_shows_the_key",
    ],
    "the model is told reasons, thresholds and rules": [
        "agent/flow/test_flow.py::test_a_withheld_call_does_not_run_and_the_model_hears_no_inner_reason",
        "gateway/test_proxy_whole.py::test_the_reason_is_told_only_if_the_operator_says_so",
    ],
}

APPROVING = {
    "under one approved id any tool runs": [
        "agent/test_approvals.py::test_resume_after_approval_is_bound_to_the_call[tool]",
        "agent/test_approvals.py::test_a_forged_state_is_refused[request_id]",
    ],
    "with any arguments": [
        "agent/test_approvals.py::test_resume_after_approval_is_bound_to_the_call[arguments]",
        "agent/test_approvals.py::test_a_forged_state_is_refused[arguments]",
    ],
    "any number of times": [
        "agent/test_approvals.py::test_resume_after_approval_works_once",
        "agent/test_approvals.py::test_a_run_is_resumed_once",
        "agent/approvals/test_embedded_backend.py::test_an_approval_lets_exactly_one_call_run",
        "deciders/approvals/test_waiting_decider.py::test_approved_it_is_allowed_and_the_approval_used_up",
    ],
    "the callback changes 1 to 999999 after a person looked": [
        "agent/test_approvals.py::test_what_the_callback_does_to_its_question_changes_nothing",
        "agent/test_approvals.py::test_edited_arguments_are_decided_again",
    ],
    "an answer without a resolution is an approval": [
        "agent/test_approvals.py::test_anything_but_a_clear_yes_is_a_refusal[no-resolution]",
    ],
    "of two calls that wait only the last is asked for": [
        "agent/test_approvals.py::test_every_pending_call_of_a_turn_is_asked_for",
    ],
    "the model never hears what an approved call returned": [
        "agent/test_approvals.py::test_an_approved_call_runs_and_the_model_hears_its_result",
        "agent/test_approvals.py::test_a_run_is_resumed_by_another_agent_out_of_json",
    ],
}

RUNNING_TOOLS = {
    "missing arguments crash the run": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[none-at-all]",
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[missing]",
    ],
    "so does a list": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[list]",
    ],
    "so does a text": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[text]",
    ],
    "so does null": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[null]",
    ],
    "so does broken JSON": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[broken]",
    ],
    "arguments are not compared with the schema": [
        "agent/flow/test_flow.py::test_arguments_that_do_not_fit_are_blocked_without_asking_anybody[unknown]",
        "agent/tools/test_schema.py::test_arguments_that_do_not_fit_are_refused_without_repeating_them",
        "agent/tools/test_schema.py::test_a_schema_of_the_users_own_meets_the_rules_and_is_checked",
    ],
    "a result that is no JSON crashes the run after the side effect": [
        "agent/flow/test_flow.py::test_a_result_that_is_no_json_does_not_end_the_run",
        "agent/tools/test_result_text.py::test_a_result_has_a_json_form[datetime]",
    ],
    "a coroutine in the sync class is never awaited and counts as a success": [
        "agent/test_cancelling.py::test_an_async_tool_of_a_sync_agent_is_an_error_at_registration",
        "agent/test_cancelling.py::test_what_turns_out_to_be_awaitable_is_awaited",
    ],
    "a sync tool stalls the event loop of the async class": [
        "agent/test_cancelling.py::test_a_sync_tool_does_not_stall_the_event_loop",
    ],
    "`seq` jumps and repeats": [
        "agent/flow/test_flow.py::test_seq_counts_up_without_gaps_over_turns_and_kinds_of_outcome"
    ],
    "events are lost when the rounds run out": [
        "agent/flow/test_flow.py::test_events_are_not_lost_when_the_rounds_run_out",
    ],
    "or the provider fails": ["agent/flow/test_flow.py::test_events_are_not_lost_when_the_provider_fails"],
    "or a stream is closed early": ["agent/test_stream.py::test_a_stream_closed_early_leaves_a_whole_record"],
    "`on_decision` can rewrite the audit": [
        "agent/test_hook.py::test_what_the_hook_does_to_its_copy_changes_nothing",
        "deciders/test_tool_decisions.py::test_the_hook_gets_a_copy_of_its_own",
    ],
    "an id of one user's run goes with another's": [
        "agent/test_hosted.py::test_nothing_of_one_run_is_told_with_the_next",
        "agent/test_cancelling.py::test_runs_at_the_same_time_do_not_mix",
    ],
    "a memory that hangs holds the run beyond its limit": [
        "agent/record/test_redacted_event.py::test_a_run_ends_while_its_memory_hangs",
        "agent/test_outcomes.py::test_without_it_a_report_that_fails_changes_nothing[black-hole]",
    ],
}

TALKING_TO_THE_MODEL = {
    **{
        f"later turns go without {argument}": [
            f"agent/flow/test_model_input.py::test_an_argument_of_the_first_turn_is_not_dropped[{argument}]",
            "agent/flow/test_model_input.py::test_every_argument_of_the_first_turn_goes_with_every_turn",
        ]
        for argument in (
            "temperature",
            "reasoning",
            "tool_choice",
            "max_output_tokens",
            "metadata",
            "include",
            "parallel_tool_calls",
        )
    },
    "`store: true` is lost on the second turn": [
        "agent/flow/test_model_input.py::test_with_store_only_the_outputs_follow_the_previous_response",
    ],
    "`previous_response_id` is sent with `store: false`, which no provider knows": [
        "agent/flow/test_model_input.py::test_without_store_the_items_are_replayed",
        "agent/flow/test_model_input.py::test_previous_response_id_without_store_is_an_error_before_anything_is_sent",
    ],
    "reasoning is neither stored nor replayed": [
        "agent/flow/test_model_input.py::test_reasoning_is_replayed_in_encrypted_form",
    ],
    "streams are not retried": ["agent/model/test_resilience.py::test_a_passing_failure_is_not_seen[stream]"],
    "streams do not know the breaker": ["agent/model/test_resilience.py::test_the_breaker_guards_streams_too[stream]"],
    "429s multiply with the client's own retries": [
        "agent/model/test_resilience.py::test_one_budget_with_the_clients_own_retries[whole]",
        "agent/model/test_resilience.py::test_one_budget_with_the_clients_own_retries[stream]",
    ],
    "one caller's 400s open the breaker for all": [
        "agent/model/test_resilience.py::test_a_callers_own_mistakes_open_nothing",
        "deciders/hosted/test_hosted_decider.py::test_refusals_never_open_the_breaker[400]",
    ],
    "after the reset all waiting calls go out at once": [
        "agent/model/test_resilience.py::test_half_open_lets_one_probe_through",
        "deciders/wrappers/test_breaker.py::test_half_open_lets_exactly_one_probe_through",
    ],
    "events of a stream never name their response and call": [
        "agent/test_stream.py::test_events_name_their_response_and_call",
    ],
    "the schema of `list[int]` has no items": [
        "agent/tools/test_schema.py::test_a_parameter_has_its_schema[list-of-integers]",
    ],
    "`Literal` is a string": ["agent/tools/test_schema.py::test_a_parameter_has_its_schema[literal]"],
    "`Enum` is a string": ["agent/tools/test_schema.py::test_a_parameter_has_its_schema[enum]"],
    "a pydantic model is a string": ["agent/tools/test_schema.py::test_a_parameter_has_its_schema[pydantic-model]"],
    "`int | None` is a string": ["agent/tools/test_schema.py::test_a_parameter_has_its_schema[int-or-none]"],
    "`Annotated` is a string": ["agent/tools/test_schema.py::test_a_parameter_has_its_schema[annotated]"],
    "with `from __future__ import annotations`, as in the file of this test, everything is a string": [
        "agent/tools/test_schema.py::test_a_parameter_has_its_schema",
    ],
    "optional parameters break strict mode": [
        "agent/tools/test_schema.py::test_the_schema_keeps_every_strict_rule[optional]",
        "agent/tools/test_schema.py::test_the_schema_keeps_every_strict_rule[default]",
    ],
    "`extra_create_args` replaces the governed tools": [
        "agent/flow/test_flow.py::test_tools_cannot_be_smuggled_in_by_extra_arguments",
        "agent/flow/test_model_input.py::test_what_the_agent_sets_cannot_be_overridden[tools]",
    ],
    "custom calls pass undecided": [
        "agent/flow/test_flow.py::test_a_custom_tool_gets_the_models_text",
        "agent/flow/test_flow.py::test_an_unknown_tool_is_blocked[custom]",
        "gateway/test_proxy_whole.py::test_every_kind_of_call_is_withheld[custom]",
    ],
    "so do shell calls": [
        "agent/flow/test_flow.py::test_a_call_that_no_tool_governs_ends_the_run[shell_call]",
        "agent/flow/test_flow.py::test_a_call_that_no_tool_governs_ends_the_run[local_shell_call]",
        "gateway/test_proxy_whole.py::test_every_kind_of_call_is_withheld[shell]",
    ],
    "so do MCP calls": [
        "agent/flow/test_flow.py::test_a_call_that_no_tool_governs_ends_the_run[mcp_call]",
        "agent/flow/test_flow.py::test_a_call_that_no_tool_governs_ends_the_run[mcp_approval_request]",
        "gateway/test_proxy_whole.py::test_every_kind_of_call_is_withheld[mcp approval]",
    ],
    "so do computer calls": [
        "agent/flow/test_flow.py::test_a_call_that_no_tool_governs_ends_the_run[computer_call]",
        "gateway/test_proxy_whole.py::test_every_kind_of_call_is_withheld[computer]",
    ],
}

PROPERTIES = "formats/responses/test_text_gate_properties.py"
HANDLER = "llm_translation/test_openai_responses_guardrail_handler.py"
GATEWAYS = {
    "a guardrail that answers one text for three leaves two as they were": [
        f"{HANDLER}::test_bad_answer_to_an_answer[one for three]",
        f"{HANDLER}::test_bad_answer_to_a_request[one for three]",
    ],
    "four for three is an IndexError": [
        f"{HANDLER}::test_bad_answer_to_an_answer[four for three]",
        f"{HANDLER}::test_bad_answer_to_a_request[four for three]",
    ],
    "none for three leaves all as they were": [
        f"{HANDLER}::test_bad_answer_to_an_answer[none for three]",
        f"{HANDLER}::test_bad_answer_to_a_request[none for three]",
    ],
    "a mask that cannot be written back is lost, and the answer leaves": [
        f"{HANDLER}::test_a_mask_that_cannot_be_written_fails_the_answer",
        f"{HANDLER}::test_a_rewrite_that_is_no_json_writes_nothing",
    ],
    "a stream of Responses delivers arguments before their decision": [
        "gateway/test_proxy_stream.py::test_no_byte_of_a_blocked_call_leaves[function]",
        "formats/responses/test_gate.py::test_a_call_leaves_untouched_after_its_pass_and_not_before",
    ],
    "so does a stream of chat": [
        "gateway/test_proxy_formats.py::test_of_two_streamed_chat_calls_no_byte_of_the_blocked_one_leaves",
        "formats/chat/test_gate.py::test_a_call_leaves_untouched_after_its_pass_and_not_before",
    ],
    "so does a stream of Messages": [
        "gateway/test_proxy_formats.py::test_no_byte_of_a_blocked_messages_call_leaves_a_stream",
        "formats/messages/test_gate.py::test_a_call_leaves_untouched_after_its_pass_and_not_before",
    ],
    "whoever withholds a call withholds the text before it as well": [
        "gateway/test_proxy_stream.py::test_text_flows_before_the_decision_and_the_call_after_it",
        "gateway/test_stream_formats.py::test_text_flows_while_a_call_is_decided[chat]",
        "gateway/test_stream_formats.py::test_text_flows_while_a_call_is_decided[messages]",
    ],
    "reasoning, answer and arguments are scanned as one text": [
        "gateway/hooks/test_stream_scan.py::test_reasoning_answer_and_arguments_are_never_joined",
        "formats/responses/texts/test_text_gate.py::test_parts_are_never_joined",
    ],
    "the call that chat withholds passes on Responses and Messages": [
        "doctor/test_proof.py::test_the_repositorys_config_governs_the_three_formats",
        "gateway/test_proxy_whole.py::test_every_kind_of_call_is_withheld[shell]",
        "gateway/test_proxy_formats.py::test_of_two_messages_calls_the_blocked_one_goes",
    ],
    "the calls of an answer cost a round trip each": [
        "gateway/test_proxy_stream.py::test_all_calls_of_a_stream_are_asked_at_the_same_time",
        "deciders/test_tool_decisions.py::test_all_calls_are_asked_about_at_the_same_time",
    ],
    "a text leaves before it was scanned": [
        "gateway/hooks/test_text_stream.py::test_a_refused_stream_ends_with_an_error_event",
        f"{PROPERTIES}::test_whoever_sees_all_scanned_texts_sees_every_secret_before_it_leaves",
    ],
    "a check that crashes counts as safe": [
        "gateway/hooks/test_text_stream.py::test_a_check_that_crashes_lets_no_text_of_a_stream_out",
        "gateway/hooks/test_text_stream.py::test_a_check_that_crashes_lets_no_whole_answer_out",
        "deciders/test_tool_decisions.py::test_a_bug_in_the_decider_is_never_taken_for_unreachability",
        "agent/test_public.py::test_fail_open_opens_for_a_lost_line_alone[bug]",
    ],
    "after a withheld call the provider goes on waiting for its output": [
        "gateway/conversation/test_request_history.py::test_the_provider_hears_that_the_call_has_not_been_run[function]",
        "gateway/conversation/test_request_history.py::test_a_conversation_is_answered_once",
    ],
}

LESSONS = {**DECIDING, **APPROVING, **RUNNING_TOOLS, **TALKING_TO_THE_MODEL, **GATEWAYS}


@pytest.mark.parametrize("tests", LESSONS.values(), ids=LESSONS)
def test_a_defect_of_others_has_a_test_of_ours(tests):
    assert tests
    assert [test for test in tests if not exists(test)] == []


@pytest.mark.parametrize(
    "test",
    [
        pytest.param("agent/test_nothing.py::test_no_key_is_shown", id="file"),
        pytest.param("agent/test_public.py::test_no_key", id="function"),
        pytest.param("agent/test_public.py::agent", id="no test"),
        pytest.param("agent/flow/test_flow.py::test_an_unknown_tool_is_blocked[shell]", id="row"),
        pytest.param("agent/flow/test_flow.py::test_an_unknown_tool_is_blocked[c9]", id="row of another kind"),
        pytest.param("agent/test_public.py::test_no_key_is_shown[row]", id="no table"),
    ],
)
def test_a_test_that_is_gone_is_noticed(test):
    assert not exists(test)


def exists(test: str) -> bool:
    """Whether there is such a test, told by reading its file: collecting it would import all of LiteLLM."""
    place, _, row = test.removesuffix("]").partition("[")
    path, _, name = place.partition("::")
    functions, values = contents(TESTS / path)
    function = functions.get(name)
    if function is None or not name.startswith("test_"):
        return False
    return not row or row in {found for decorator in function.decorator_list for found in rows(decorator, values)}


@cache
def contents(path: Path) -> tuple[dict[str, ast.FunctionDef | ast.AsyncFunctionDef], dict[str, ast.expr]]:
    """A module's functions and what it assigns, by their names."""
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else []
    functions = {each.name: each for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    values = {
        target.id: each.value
        for each in body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    return functions, values


def rows(node: ast.expr, values: dict[str, ast.expr]) -> Iterator[str]:
    """The ids that a table gives its rows, in so far as they are written down."""
    match node:
        case ast.Constant(value=value):
            yield str(value)
        case ast.Name(id=name) if name not in values:
            yield name
        case _:
            for part in parts(node, values):
                yield from rows(part, values)


def parts(node: ast.expr, values: dict[str, ast.expr]) -> list[ast.expr]:
    """The expressions within one of which the ids are made."""
    match node:
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[_, table], keywords=keywords):
            return [table, *(keyword.value for keyword in keywords if keyword.arg == "ids")]
        case ast.Call(func=ast.Attribute(attr="param"), keywords=keywords):
            return [keyword.value for keyword in keywords if keyword.arg == "id"]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
        case ast.Dict(keys=keys):
            return [key for key in keys if key is not None]
        case ast.Name(id=name):
            return [values[name]]
        case ast.Subscript(value=table):
            return [table]
        case _:
            return []
