"""thinc's Adam with a faster learning rate for what learns from nothing on top of a transformer.

The weights of a transformer are nearly right and bear only a small rate. A softmax begins at zero,
and Adam moves a weight by about the rate at each step: at the transformer's it is still too flat
when the schedule ends, and what it sends back meanwhile spoils the transformer. A config says

    [training.optimizer]
    @optimizers = "retrain.Adam.v1"
    head_rate = 25.0
"""

from __future__ import annotations

from typing import Any, cast

from spacy.util import registry
from thinc.api import Optimizer
from thinc.optimizers import FloatOrSeq, KeyT
from thinc.types import FloatsXd


class TwoRates(Optimizer):
    """An optimiser whose learning rate is multiplied by `head_rate` for layers of thinc's own."""

    def __init__(self, learn_rate: FloatOrSeq, head_rate: float, **settings: Any) -> None:
        super().__init__(learn_rate, **settings)
        self.head_rate = head_rate

    def __call__(
        self, key: KeyT, weights: FloatsXd, gradient: FloatsXd, *, lr_scale: float = 1.0
    ) -> tuple[FloatsXd, FloatsXd]:
        """Update weights with a gradient, as thinc's does."""
        # The weights of a PyTorch module have dots in their names, thinc's have none.
        scale = lr_scale if "." in key[1] else lr_scale * self.head_rate
        updated = super().__call__(key, weights, gradient, lr_scale=scale)
        return cast(tuple[FloatsXd, FloatsXd], updated)


@registry.optimizers("retrain.Adam.v1")
def create_adam(
    learn_rate: FloatOrSeq,
    head_rate: float,
    beta1: FloatOrSeq = 0.9,
    beta2: FloatOrSeq = 0.999,
    eps: FloatOrSeq = 1e-8,
    L2: FloatOrSeq = 0.0,
    L2_is_weight_decay: bool = True,
    grad_clip: FloatOrSeq = 1.0,
    use_averages: bool = True,
) -> TwoRates:
    """Make an optimiser from what thinc's Adam.v1 takes, and the times that heads learn faster."""
    return TwoRates(
        learn_rate,
        head_rate,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        L2=L2,
        L2_is_weight_decay=L2_is_weight_decay,
        grad_clip=grad_clip,
        use_averages=use_averages,
    )
