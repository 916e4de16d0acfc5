"""An agent that refunds, and a client that asks for an approval above 100."""

from __future__ import annotations

from types import SimpleNamespace

from litellm_bighub.testing import function_call

APPROVE = {"resolution": "approved", "comment": "approved by on-call"}


class Bighub:
    """An SDK-like client: asks for an approval above 100, keeps what it was told."""

    def __init__(self, status="approved"):
        self.status = status
        self.submitted = []
        self.resolved = []
        self.actions = SimpleNamespace(submit=self._submit)
        self.approvals = SimpleNamespace(resolve=self._resolve, list=self._list)

    def _submit(self, *, action, actor, domain, target, context, value=0):
        self.submitted.append((action, value))
        if value > 100:
            request_id = f"req_{len(self.submitted)}"
            return {
                "allowed": False,
                "result": "requires_approval",
                "requires_approval": True,
                "request_id": request_id,
            }
        return {"allowed": True, "result": "allowed", "request_id": "req_ok"}

    def _resolve(self, *, request_id, resolution, comment=None):
        self.resolved.append((request_id, resolution, comment))
        return {"request_id": request_id, "status": self.status if resolution == "approved" else "denied"}

    def _list(self, *, status_filter):
        return [{"request_id": "req_1", "status": self.status}] if status_filter == self.status else []


class Refunds:
    """A tool that keeps what it paid."""

    def __init__(self):
        self.paid = []

    def refund(self, order_id: str, amount: float) -> dict:
        self.paid.append((order_id, amount))
        return {"paid": amount}


def agent(driver, bighub, refunds, **options):
    guard = driver.guard(decider=None, bighub_client=bighub, memory_enabled=False, outcome_reporting=False, **options)
    guard.tool("refund", refunds.refund, value_from_args=lambda a: a["amount"])
    return guard


def refund(amount, order="ord_1", call_id=None):
    return function_call("refund", {"order_id": order, "amount": amount}, call_id=call_id)
