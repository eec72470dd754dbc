"""Errors of the agent, each with the exit code that it ends a command with.

Rules of this module: one base class; the exit code is an attribute of the class (sysexits numbers, documented in
`agent/README.md`); every message names the thing, the value and the remedy.
"""

from __future__ import annotations

import os


class AgentError(Exception):
    """Something that ends the agent or a command with a clear message."""

    exit_code: int = os.EX_SOFTWARE


class ConfigError(AgentError):
    """The configuration is missing, malformed or contradicts itself."""

    exit_code = os.EX_CONFIG


class ProfileError(AgentError):
    """The policy profile is missing or breaks a rule."""

    exit_code = os.EX_CONFIG


class IdentityError(AgentError):
    """The unit's keys or certificates are missing or do not fit each other."""

    exit_code = os.EX_CONFIG


class SpoolError(AgentError):
    """The spool or the state directory cannot be written."""

    exit_code = os.EX_CANTCREAT


class ControlError(AgentError):
    """The running agent cannot be reached, or refused what was asked."""

    exit_code = os.EX_UNAVAILABLE


class RefusedError(AgentError):
    """The agent understood and will not do it now; the message says when it would."""

    exit_code = os.EX_TEMPFAIL


class AssignmentError(AgentError):
    """What officers were to be checked out with is incomplete or malformed."""

    exit_code = os.EX_USAGE


class StoreTimeError(AgentError):
    """The store's signed time is missing, stale or not for this unit; the clock stays as it is."""

    exit_code = os.EX_DATAERR
