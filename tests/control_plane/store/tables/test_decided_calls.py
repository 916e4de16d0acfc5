"""Finding decided calls in a large ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.tables import decided_calls
from litellm_bighub.domain.decided_call import Search


@pytest.mark.parametrize(
    "search",
    [
        pytest.param(Search(response_id="resp_1"), id="of a response"),
        pytest.param(Search(conversation="conv_1"), id="of a conversation"),
        pytest.param(Search(call_ids={"call_1", "call_2"}, actor="a"), id="by their ids"),
        pytest.param(Search(notice_ids=("msg_1",), actor="a"), id="by their notices"),
        pytest.param(Search(reasoning_ids=("rs_1",), actor="a"), id="by the reasoning before them"),
        pytest.param(Search(reasoning_digests={"d", "e"}, actor="a"), id="by what that reasoning says"),
        pytest.param(Search(turns={"t", "u"}, actor="a"), id="by their turns"),
        pytest.param(
            Search("resp_1", "conv_1", {"call_1"}, ("msg_1",), "a", "k", "u", ("rs_1",), ("d",), ("t",)),
            id="by all of it",
        ),
    ],
)
def test_no_search_reads_the_whole_ledger(tmp_path, search):
    asked: list[tuple[str, tuple]] = []
    engine = open_database(sqlite_url(tmp_path / "a.db"))

    @event.listens_for(engine, "before_cursor_execute")
    def listen(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    with engine.connect() as connection:
        assert decided_calls.find(connection, search) == []
        statement, parameters = asked[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    engine.dispose()
    assert [step.detail for step in plan if step.detail.startswith("SEARCH")]
    assert not [step.detail for step in plan if step.detail.startswith("SCAN")]
