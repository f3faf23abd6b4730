"""Errors that a person can act on, each with the exit code that `retrain` and every stage use."""

from __future__ import annotations

from typing import ClassVar


class RetrainError(Exception):
    """Base of every error that is reported as one message instead of a traceback.

    The message says which file, line and field, what is wrong, and what to do.
    """

    exit_code: ClassVar[int] = 1


class WriteError(RetrainError):
    """What is to be written cannot be: a full disk, or a folder that may not be written to."""

    exit_code = 1


class ConfigError(RetrainError):
    """Wrong usage or configuration."""

    exit_code = 2


class DataError(RetrainError):
    """Annotations or artefacts that a person must fix."""

    exit_code = 3


class GateError(RetrainError):
    """A gate refused the model."""

    exit_code = 4


class RemoteError(RetrainError):
    """A remote service failed or refused; trying again may help."""

    exit_code = 5
