"""The nodes of the Argo workflow that a run becomes, as the API lists them.

A node's own id is in no field of the API: it is only named as a child of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.kubeflow.rules import NEVER


def task_details(
    run_id: str, workflow: str, spec: Mapping[str, Any], states: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Every node, with the state of its task ("phase-1/train") or else of the run ("").

    A task's node has one child, in which its container runs; a driver goes before each.
    """

    def node(name: str, display: str, children: list[str], path: str) -> dict[str, Any]:
        state = states.get(path, states[""])
        return {
            "run_id": run_id,
            "task_id": f"uuid-of-{name}",
            "display_name": display,
            "create_time": "2026-11-22T03:00:00Z",
            "start_time": "2026-11-22T03:00:01Z",
            "end_time": "2026-11-22T03:01:41Z" if state in ("SUCCEEDED", "FAILED") else NEVER,
            "state": state,
            "execution_id": "0",
            "child_tasks": [{"pod_name": node_id(workflow, child)} for child in children],
        }

    def below(above: str, path: str, component: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for task, definition in component["dag"]["tasks"].items():
            name = f"{above}.{task}"
            inner = spec["components"][definition["componentRef"]["name"]]
            here = path if task.startswith("condition-") else f"{path}/{task}".lstrip("/")
            yield node(f"{name}-driver", f"{task}-driver", [name], here)
            if "dag" in inner:
                first = next(iter(inner["dag"]["tasks"]))
                yield node(name, task, [f"{name}.{first}-driver"], "")
                yield from below(name, here, inner)
            else:
                yield node(name, task, [f"{name}.executor"], here)
                yield node(f"{name}.executor", "executor", [], here)

    root = f"{workflow}.root"
    return [
        node(workflow, workflow, [f"{root}-driver"], ""),
        node(f"{root}-driver", "root-driver", [root], ""),
        *below(root, "", spec["root"]),
    ]


def node_id(workflow: str, name: str) -> str:
    """As Argo's `Workflow.NodeID` makes it: the workflow's name and a 32-bit FNV-1a hash."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) % 2**32
    return workflow if name == workflow else f"{workflow}-{value}"
