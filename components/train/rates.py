"""thinc's Adam with a faster learning rate for what learns from nothing on top of a transformer.

The weights of a transformer are nearly right and bear only a small rate. A softmax begins at zero,
and Adam moves a weight by about the rate at each step: at the transformer's it is still too flat
when the schedule ends, and what it sends back meanwhile spoils the transformer. A config says

    [training.optimizer]
    @optimizers = "retrain.Adam.v1"
    head_rate = 25.0

    [training.optimizer.head_rates]   # components that learn at a rate of their own
    topic = 10.0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from spacy.language import Language
from spacy.util import registry
from thinc.api import Optimizer
from thinc.optimizers import FloatOrSeq, KeyT
from thinc.types import FloatsXd

from components.errors import ConfigError


class TwoRates(Optimizer):
    """An optimiser whose learning rate is multiplied by `head_rate` for layers of thinc's own.

    Attributes:
        head_rates: the same for single components.
    """

    def __init__(
        self,
        learn_rate: FloatOrSeq,
        head_rate: float,
        head_rates: Mapping[str, float],
        **settings: Any,
    ) -> None:
        super().__init__(learn_rate, **settings)
        self.head_rate, self.head_rates = head_rate, head_rates
        self.of_layers: dict[int, float] = {}

    def learn(self, nlp: Language) -> None:
        """Look up which layers the components with rates of their own have.

        Raises:
            ConfigError: the pipeline has no such component.
        """
        for name, rate in self.head_rates.items():
            if name not in nlp.pipe_names:
                raise ConfigError(
                    f"training config: training.optimizer.head_rates names {name}; the pipeline "
                    f"has {', '.join(nlp.pipe_names)}."
                )
            model: Any = getattr(nlp.get_pipe(name), "model", None)
            self.of_layers |= {node.id: rate for node in model.walk()} if model else {}

    def __call__(
        self, key: KeyT, weights: FloatsXd, gradient: FloatsXd, *, lr_scale: float = 1.0
    ) -> tuple[FloatsXd, FloatsXd]:
        """Update weights with a gradient, as thinc's does."""
        # The weights of a PyTorch module have dots in their names, thinc's have none.
        rate = 1.0 if "." in key[1] else self.of_layers.get(key[0], self.head_rate)
        updated = super().__call__(key, weights, gradient, lr_scale=lr_scale * rate)
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
    head_rates: dict[str, float] | None = None,
) -> TwoRates:
    """Make an optimiser from what thinc's Adam.v1 takes, and the times that heads learn faster."""
    return TwoRates(
        learn_rate,
        head_rate,
        head_rates or {},
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        L2=L2,
        L2_is_weight_decay=L2_is_weight_decay,
        grad_clip=grad_clip,
        use_averages=use_averages,
    )
