from __future__ import annotations

import httpx
import pytest

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.oidc.provider_user import rule_names
from litellm_bighub.settings import OidcSettings
from litellm_bighub.testing import IdentityProvider

CLAIMS = {"sub": "4711", "preferred_username": "Kim", "groups": ["acme-approvers", "acme-money"], "email": "kim@x.org"}


@pytest.fixture
def idp(plane):
    with IdentityProvider(CLAIMS, clock=plane.clock) as provider:
        yield provider


@pytest.fixture
def settings(idp):
    def made(**others):
        return OidcSettings(
            **{
                "issuer": idp.issuer,
                "client_id": idp.client_id,
                "client_secret": idp.client_secret,
                "groups": {"acme-money": "finance"},
                "roles": {"acme-approvers": ["approver"], "acme-ops": ["operator"]},
                "litellm_user_claim": "email",
                **others,
            }
        )

    return made


@pytest.fixture
async def browser_of(plane, settings):
    """Gives browsers of their own before one app; what the provider is asked goes over its socket."""
    apps, clients = {}, []

    def made(**others):
        key = str(others)
        if key not in apps:
            provider = Provider(settings(**others), "http://plane", clock=plane.clock)
            plane.rule_names = rule_names(provider.settings)  # as `serve` opens it
            apps[key] = create_app(plane, provider=provider)
        client = httpx.AsyncClient(
            mounts={"http://plane": httpx.ASGITransport(app=apps[key])}, base_url="http://plane", follow_redirects=True
        )
        clients.append(client)
        return client

    yield made
    for client in clients:
        await client.aclose()
