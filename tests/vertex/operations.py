"""Long-running operations: not done when first looked at, and then done."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import any_pb2

from tests.support.service import ApiError


class Operations:
    """The operations of one location."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def done(self, resource: str, response: Any) -> Any:
        """An operation on a resource; it has this result as soon as it is asked for it."""
        name = f"{resource}/operations/{len(self.by_name) + 1}"
        packed = any_pb2.Any()
        packed.Pack(type(response).pb(response) if hasattr(type(response), "pb") else response)
        self.by_name[name] = operations_pb2.Operation(name=name, done=True, response=packed)
        return operations_pb2.Operation(name=name)

    def get(self, name: str, _query: str, _body: bytes) -> Any:
        if name not in self.by_name:
            raise ApiError(404, f"Operation {name} not found.")
        return self.by_name[name]
