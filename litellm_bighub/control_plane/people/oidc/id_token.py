"""Checking an ID token: signed by a key of the provider, for us, now, and for this login.

OpenID Connect Core 1.0, section 3.1.3.7, says what is to be checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from litellm_bighub.domain.payload import JsonMapping, Payload

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that only the provider can make: neither `none`, nor those that whoever can check them can make."""
PublicKey: TypeAlias = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Rejected:
    """A login that does not count.

    Attributes:
        reason: for the audit, without anything of the token.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class IdToken:
    """A token that was checked.

    Attributes:
        subject: whom it is about, as its issuer tells people apart.
        expires_at: POSIX seconds.
        claims: all of them.
    """

    subject: str
    expires_at: float
    claims: JsonMapping


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say.

    Attributes:
        clock_skew: by how many seconds the provider's clock may differ.
    """

    issuer: str
    client_id: str
    nonce: str
    clock_skew: float


def public_keys(entries: Iterable[Payload]) -> tuple[PublicKey, ...]:
    """The keys of a JSON Web Key Set that can check a signature of `ALGORITHMS`; others are left out."""
    found: list[PublicKey] = []
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") not in {"RSA", "EC"} or entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwk.import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey | ECKey):
            found.append(key)
    return tuple(found)


def names_unknown_key(token: str, keys: Sequence[PublicKey]) -> bool:
    """Whether the token names a key that is none of these: the provider may have a new one."""
    return _key(token, keys) is _UNKNOWN_KEY


def check(token: str, keys: Sequence[PublicKey], expected: Expected, now: float) -> IdToken | Rejected:
    """Check a token.

    Args:
        token: in its compact form.
        keys: of the provider.
        expected: what it must say.
        now: POSIX seconds.
    """
    key = _key(token, keys)
    if isinstance(key, Rejected):
        return key
    try:
        claims: JsonMapping = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError):
        return Rejected("the ID token is not signed by the provider")
    return _said(claims, expected, now)


_UNKNOWN_KEY: Final = Rejected("the ID token names no key of the provider")


def _key(token: str, keys: Sequence[PublicKey]) -> PublicKey | Rejected:
    try:
        header = jws.extract_compact(token.encode()).protected
    except (JoseError, ValueError, TypeError):
        return Rejected("the ID token cannot be read")
    algorithm, name = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        return Rejected("the ID token is signed by an algorithm that does not count")
    kind = "EC" if algorithm.startswith("ES") else "RSA"
    fitting = [key for key in keys if key.key_type == kind and key.get("alg") in {None, algorithm}]
    if name is not None:
        fitting = [key for key in fitting if key.kid == name]
    return fitting[0] if len(fitting) == 1 else _UNKNOWN_KEY


def _said(claims: JsonMapping, expected: Expected, now: float) -> IdToken | Rejected:
    audience = claims.get("aud")
    audiences: list[Payload] = audience if isinstance(audience, list) else [audience]
    expires, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    begins = _time(claims.get("nbf", 0))
    subject = claims.get("sub")
    if claims.get("iss") != expected.issuer:
        return Rejected("the ID token has another issuer")
    if expected.client_id not in audiences:
        return Rejected("the ID token is for another client")
    if claims.get("azp", None if len(audiences) > 1 else expected.client_id) != expected.client_id:
        return Rejected("the ID token was made out to another client")
    if expires is None or expires <= now - expected.clock_skew:
        return Rejected("the ID token has expired")
    if issued is None or begins is None or max(issued, begins) > now + expected.clock_skew:
        return Rejected("the ID token is not valid yet")
    if claims.get("nonce") != expected.nonce:
        return Rejected("the ID token belongs to another login")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        return Rejected("the ID token says nobody")
    return IdToken(subject, expires, claims)


def _time(value: Payload) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None
