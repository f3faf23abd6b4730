"""`python -m components STAGE …`: the one entry point of every image and of the local runner."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, cast

from components import msgpack_extensions
from components.cores import limit_threads
from components.errors import ConfigError, RetrainError, WriteError
from components.files import FAULTS, refusal
from components.garbage import lasting
from components.interface import TIMEOUT, add_options
from components.program import FROM_EXECUTOR_INPUT, options_in
from components.stage import Stage, write_executor_output

STAGES = {
    "fingerprint": "components.fingerprint.command",
    "ingest": "components.ingest.command",
    "split": "components.split.command",
    "label": "components.label.command",
    "subsample": "components.subsample.command",
    "convert": "components.convert.command",
    "train": "components.train.command",
    "debug": "components.debug.command",
    "champion": "components.champion.command",
    "due": "components.due.command",
    "evaluate": "components.evaluate.command",
    "gate": "components.gate.command",
    "report": "components.report.command",
    "register": "components.register.command",
    "upload": "components.upload.command",
    "queue": "components.queue.command",
    "notify": "components.notify.command",
}
# Stages that tokenise and predict nothing, also where torch is not installed: in the cpu image.
WITHOUT_TORCH = ("ingest", "convert")
WITH_DOCUMENTS = (
    *WITHOUT_TORCH,
    "train",
    "debug",
    "evaluate",
    "label",
    "queue",
)  # they read .spacy files
# A timeout that a bare `except:` swallowed comes again; until then the stage may tidy up.
AGAIN_SECONDS = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage; return its exit code (see `components.errors`)."""
    argv = sys.argv[1:] if argv is None else list(argv)
    overview = argparse.ArgumentParser(prog="python -m components", description=__doc__)
    overview.add_argument("stage", choices=STAGES)
    name = overview.parse_args(argv[:1]).stage
    if name in WITHOUT_TORCH:
        import_spacy_alone()
    if name in WITH_DOCUMENTS:
        msgpack_extensions.remember()
    stage = cast(Stage, importlib.import_module(STAGES[name]))
    parser = argparse.ArgumentParser(prog=f"python -m components {name}", description=stage.__doc__)
    parser.add_argument("--executor-input", help="KFP's description of this task, as JSON")
    add_options(parser, [TIMEOUT, *stage.INTERFACE])
    words = argv[1:]
    if FROM_EXECUTOR_INPUT in words:
        words.remove(FROM_EXECUTOR_INPUT)
        words += options_in(words[words.index("--executor-input") + 1])
    args = parser.parse_args(words)
    try:
        with_timeout(args.timeout)
        result = stage.run(args)
        if args.executor_input:
            write_executor_output(args.executor_input, result)
    except RetrainError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno not in FAULTS:
            raise
        print(f"{name}: {refusal(error.filename or 'an output', error)}", file=sys.stderr)
        return WriteError.exit_code
    except StageTimeoutError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return RetrainError.exit_code
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


def import_spacy_alone() -> None:
    """Import spaCy as where there is no torch, which it loads for seconds to see if it is there."""
    if not {"spacy", "torch"} & sys.modules.keys():
        sys.modules["torch"] = None  # type: ignore[assignment]
        with lasting():
            importlib.import_module("spacy")
        del sys.modules["torch"]


# Not an Exception: whoever catches what a model or a library may raise must not catch the clock.
class StageTimeoutError(BaseException):
    """The stage ran past its timeout; a retry may resume it."""


def with_timeout(seconds: int) -> None:
    """Raise StageTimeoutError after `seconds`: KFP has no timeout for a task."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        raise StageTimeoutError(
            f"ran past its timeout of {seconds} s. Raise compute.timeout in the config, "
            "or look in the log for what it was waiting for."
        )

    if seconds < 0:
        raise ConfigError(f"--timeout must be 0 or more, not {seconds}")
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)


if __name__ == "__main__":
    limit_threads()
    sys.exit(main())
