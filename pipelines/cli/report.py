"""`retrain report`: where a run's reports are."""

from __future__ import annotations

from pathlib import Path

from pipelines.cli.options import (
    AsJson,
    Open,
    Phases,
    RunReference,
    RunsFolder,
    open_pages,
    pick_phases,
    print_json,
)


def report(
    run: RunReference = "latest",
    phases: Phases = None,
    open_: Open = False,
    out: RunsFolder = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Say what came of a run and where its reports are; --open shows them."""
    from pipelines import api
    from pipelines.local.runs import PAGE

    known = api.report(run, out=out)["phases"]
    chosen = {name: known[name] for name in pick_phases(phases, list(known))}
    history = out / PAGE
    if as_json:
        rows = {
            name: {key: phase.get(key) for key in ("report", "decision", "outcome", "message")}
            for name, phase in chosen.items()
        }
        print_json({"phases": rows, "history": str(history)})
    else:
        for name, phase in chosen.items():
            print(f"{name}: {phase['message']}\n  {phase.get('report') or 'there is no report'}")
            print(*(f"  {message}\n" for message in phase.get("missing", ())), sep="", end="")
        if history.exists():
            print(f"all runs: {history}")
    if open_:
        open_pages([Path(phase["report"]) for phase in chosen.values() if phase.get("report")])
