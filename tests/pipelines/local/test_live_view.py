"""What a person sees while a run is on."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.local import live_view
from pipelines.local.live_view import LiveView, PlainView, duration, figures, listener
from tests.pipelines.local.runner.pieces import WRITE, run
from tests.pipelines.local.runner.test_cache import chain

WORKS = (
    "pathlib.Path(os.environ['RETRAIN_PROGRESS']).write_text("
    '\'{"step": 7, "max_steps": 9, "loss": 1.23456, "f": 0.5}\'); time.sleep(3)\n' + WRITE
)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, height=30)


def plain() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=40)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_view_follows_the_console() -> None:
    assert isinstance(listener(terminal()), LiveView)
    assert isinstance(listener(plain()), PlainView)


def test_plain_lines(tmp_path: Path) -> None:
    first = run(chain(), tmp_path)
    console = plain()
    result = run(chain(second="print('no'); sys.exit(3)"), tmp_path, listener(console), workers=1)
    lines = said(console).splitlines()
    assert lines[0] == f"run {result.run_id}"
    assert f"first  reused from {first.run_id}" in lines
    assert "second  started" in lines
    assert any(line.startswith("second  failed with exit code 3 after ") for line in lines)
    assert lines[-1].startswith(f"run {result.run_id} failed in ")
    assert "\x1b" not in said(console)


def test_plain_lines_tell_of_long_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_view, "_PROGRESS_EVERY", 0.6)
    console = plain()
    run(chain(first=WORKS), tmp_path, listener(console))
    lines = [line for line in said(console).splitlines() if "first  running for" in line]
    assert lines[0].endswith("step 7/9 loss 1.235 F 50.0")


def test_live_table(tmp_path: Path) -> None:
    run(chain(), tmp_path)
    console = terminal()
    run(chain(second=WORKS), tmp_path, listener(console))
    shown = said(console)
    assert "↻ first" in shown
    assert "step 7/9  loss 1.235  F 50.0" in shown
    assert "✓ second" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (63.2, "63 s"),
        (125, "2 min 05 s"),
        (7200, "2 h 00 min"),
        (11220, "3 h 07 min"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_figures_of_a_training() -> None:
    shown = figures(
        {
            "step": 400,
            "epoch": 3,
            "loss": 12.3456,
            "max_steps": 20000,
            "words_per_second": 15321,
            "f": 0.8125,
            "gpu_gib": 11.3,
            "gpu_percent": 93,
            "eta": 600,
            "eta_max": 7300,
        }
    )
    assert "  ".join(shown) == (
        "step 400/20000  epoch 3  loss 12.35  F 81.2  15,321 words/s  GPU 11.3 GiB 93 %  "
        "10 min 00 s left, 2 h 01 min at most"
    )


def test_figures_take_any_progress() -> None:
    assert figures({}) == []
    assert figures({"documents": 12, "what": "reading"}) == ["documents 12", "what reading"]
    assert figures({"step": 3, "eta": 61, "eta_max": 61}) == ["step 3", "61 s left"]
    assert figures({"step": "one", "loss": None, "f": "?", "eta": []}) == ["step one"]


def test_verbose_shows_what_tasks_write_and_quiet_nothing(tmp_path: Path) -> None:
    for verbosity, lines in (("verbose", 1), ("normal", 0), ("quiet", 0)):
        out = io.StringIO()
        code = f"print('a line of {verbosity}')\n{WRITE}"
        view = listener(Console(file=out, width=80), verbosity, tmp_path / "runs")
        run(chain(first=code), tmp_path, view)
        assert out.getvalue().count(f"first | a line of {verbosity}\n") == lines
        assert bool(out.getvalue()) is (verbosity != "quiet")
