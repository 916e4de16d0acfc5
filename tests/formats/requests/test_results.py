"""A result that no format recognises as ours is the client's."""

from __future__ import annotations

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.results import FoundResult, RequestResults
from litellm_bighub.wording import ENGLISH

CALL = DecidedCall("r", "c1", "function", "pay", "blocked", False, "ada", 1.0)


def test_a_result_is_the_clients_unless_its_format_says_otherwise():
    found = FoundResult("c1", "input[0]", {})

    assert found.is_ours(CALL, ENGLISH) is False
    assert found.call is None


def test_a_request_without_results_hides_nothing():
    assert RequestResults() == RequestResults((), (), complete=True, answered=frozenset())
