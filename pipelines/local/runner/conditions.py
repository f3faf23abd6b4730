"""The conditions that `dsl.If`, `dsl.Elif` and `dsl.Else` compile to.

KFP writes them in CEL, and only ever in this shape: comparisons, each perhaps negated, joined by
`&&`. Anything else in a condition is refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from components.errors import ConfigError

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_INPUT = r"inputs\.parameter_values\['[^']+'\]"
_OPERAND = (
    rf"(?:(?:int|double)\({_INPUT}\)|{_INPUT}|double\(-?\d+\)|'[^']*'|-?\d[\d.e+-]*|true|false)"
)
_TERM = re.compile(
    rf"(?P<negated>!\()?(?P<left>{_OPERAND}) (?P<operator>==|!=|<=|>=|<|>) (?P<right>{_OPERAND})"
    r"(?(negated)\))"
)


class Comparison(NamedTuple):
    """`left operator right`, the operands as they stand in the condition."""

    left: str
    operator: str
    right: str
    negated: bool

    def holds(self, parameters: Mapping[str, Any]) -> bool:
        """Whether the comparison is true for these input parameters of the task."""
        left, right = (_value(split, parameters) for split in (self.left, self.right))
        return bool(_OPERATORS[self.operator](left, right)) != self.negated


def parse(condition: str) -> list[Comparison]:
    """Read a condition into the comparisons that must all hold; '' has none.

    Raises:
        ConfigError: the condition is not of the shape that KFP compiles to.
    """
    comparisons: list[Comparison] = []
    rest = condition
    while rest:
        if comparisons and not rest.startswith(" && "):
            raise ConfigError(f"the condition {condition!r} cannot be evaluated at {rest!r}")
        rest = rest.removeprefix(" && ")
        term = _TERM.match(rest)
        if not term:
            raise ConfigError(f"the condition {condition!r} cannot be evaluated at {rest!r}")
        comparisons.append(
            Comparison(term["left"], term["operator"], term["right"], bool(term["negated"]))
        )
        rest = rest[term.end() :]
    return comparisons


def _value(operand: str, parameters: Mapping[str, Any]) -> Any:
    if operand.startswith("'"):
        return operand[1:-1]
    if operand in ("true", "false"):
        return operand == "true"
    if "inputs.parameter_values" not in operand:
        return float(operand.removeprefix("double(").removesuffix(")"))
    value = parameters[operand.split("'")[1]]
    if operand.startswith("int("):
        return int(value)
    return float(value) if operand.startswith("double(") else value
