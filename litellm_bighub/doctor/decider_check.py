"""Checks a guardrail's decider: the policy, the database, the hosted service, the audit file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.store.database import check_url, sqlite_url
from litellm_bighub.deciders.hosted.hosted_decider import client
from litellm_bighub.doctor.findings import Finding, Level
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.policy.policy_file import parse_policy, unmarked_actors
from litellm_bighub.settings import GuardrailSettings, ServiceSettings

_SECONDS = 3.0


def check_decider(name: str, settings: GuardrailSettings, home: Path) -> Iterator[Finding]:
    """What to say of a guardrail's decider.

    Args:
        name: the guardrail's.
        settings: as the proxy would read them.
        home: the config's folder, from which relative paths count.
    """
    if settings.decider == "bighub":
        yield _service(name, settings.service)
    else:
        yield from _policy(name, home / settings.policy, settings.actor)
        given = settings.database_url
        url = given.get_secret_value() if given else sqlite_url((home / settings.policy).parent / DATABASE)
        yield _database(name, url)
    if settings.audit_file is not None:
        yield _file(name, home / settings.audit_file)
    if settings.fail_mode == "open":
        yield Finding(Level.WARNING, name, "fail_mode is open: while the decider cannot be reached, every call passes")


def _policy(name: str, path: Path, actor: str) -> Iterator[Finding]:
    try:
        policy = parse_policy(path.read_text(), path.name)
        unmarked = unmarked_actors(path, {actor})
    except OSError as error:
        yield Finding(Level.OFF, name, f"the policy {path} cannot be read: {error.strerror}")
        return
    except (ConfigurationError, UnicodeDecodeError) as error:
        yield Finding(Level.OFF, name, f"the policy cannot be used: {error}")
        return
    tools = sorted({tool for rule in policy.rules for tool in rule.tools})
    says = f"policy {path.name}: {len(policy.rules)} rules for {', '.join(tools) or 'no tool'}; else {policy.default}"
    yield Finding(Level.WARNING if policy.default == "allow" else Level.FINE, name, says)
    for line in unmarked:
        yield Finding(Level.WARNING, name, line)
    if policy.mode == "shadow":
        yield Finding(Level.OFF, name, "the policy is in shadow mode: every call passes, whatever is decided")


def _service(name: str, service: ServiceSettings) -> Finding:
    try:
        client(service)
        answer = httpx.get(service.base_url, timeout=_SECONDS, follow_redirects=False)
    except ConfigurationError as error:
        return Finding(Level.OFF, name, str(error))
    except httpx.HTTPError as error:
        return Finding(Level.OFF, name, f"{service.base_url} cannot be reached: {type(error).__name__}")
    if answer.status_code >= 500:
        return Finding(Level.OFF, name, f"{service.base_url} answers with {answer.status_code}")
    return Finding(Level.FINE, name, f"decider bighub: {service.base_url} can be reached")


def _database(name: str, url: str) -> Finding:
    """Nothing is made that is not there: a new SQLite file is the proxy's to make."""
    try:
        check_url(url)
        parsed = sa.make_url(url)
        where = parsed.render_as_string(hide_password=True)
        sqlite = parsed.get_backend_name() == "sqlite"
        problem = _sqlite_problem(Path(parsed.database or "")) if sqlite else _postgres_problem(parsed)
    except ConfigurationError as error:
        return Finding(Level.OFF, name, f"the database cannot be used: {error.problem}")
    if problem:
        return Finding(Level.OFF, name, f"the database cannot be written: {problem}")
    return Finding(Level.FINE, name, f"database {where} can be written")


def _sqlite_problem(path: Path) -> str:
    if not path.exists():
        return "" if os.access(path.parent, os.W_OK) else f"{path.parent} is no folder that may be written"
    try:
        connection = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)
    return "" if os.access(path, os.W_OK) else f"{path} may not be written"


def _postgres_problem(url: sa.URL) -> str:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            read_only = connection.execute(sa.text("SHOW transaction_read_only")).scalar()
    except OperationalError as error:
        return f"it cannot be reached: {type(error.orig).__name__}"
    finally:
        engine.dispose()
    return "it is read-only" if read_only == "on" else ""


def _file(name: str, path: Path) -> Finding:
    target = path if path.exists() else path.parent
    if os.access(target, os.W_OK):
        return Finding(Level.FINE, name, f"audit file {path} can be written")
    return Finding(Level.OFF, name, f"the audit file {path} cannot be written")
