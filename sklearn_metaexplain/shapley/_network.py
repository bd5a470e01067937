"""Small networks fitted to hybrid rows, a fold left out of each."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import hardswish

from sklearn_metaexplain.shapley._network_training import train_networks

_N_HIDDEN = 3
_LEARNING_RATE = 0.08
# A prior counts the less the more rows there are.
_MOST_DECAY, _DECAY_OF_ALL_ROWS = 0.1, 120.0
_WARM_UP = 0.1
# Mean probabilities from which the last biases start.
_LEAST_START = 1e-3
_SEED = 0


class NetworkBag:
    """Fully connected networks, each fitted without one fold.

    What they say of a row is their mean; of a row of a fold, `held_out` has what the network says
    that has not seen it.

    Where outputs are bounded, as probabilities are, networks end in a logistic function and learn
    by cross-entropy: being flat at both ends is then nothing that they have to learn.

    Columns are put in an order that follows from their values, so that the initial weights do not
    depend on the order in which they came.

    Parameters
    ----------
    n_folds : int, default=5
        Folds, hence networks; at least 2.
    effort : float, default=1.0
        Share of the usual training steps.
    relevance : tensor of shape (n_encoded, 2) or None, default=None
        Variance of what networks read of each column's value and rank, but for a factor that all
        share: what varies more is learned sooner. None: all vary alike.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019 (the optimiser); Howard et
    al., Searching for MobileNetV3, 2019, section 5.2 (hardswish).
    """

    def __init__(
        self,
        *,
        n_folds: int = 5,
        effort: float = 1.0,
        relevance: torch.Tensor | None = None,
    ) -> None:
        self.n_folds = n_folds
        self.effort = effort
        self.relevance = relevance

    def fit(
        self, encoded: torch.Tensor, outputs: torch.Tensor, bounds: torch.Tensor | None = None
    ) -> NetworkBag:
        """Fit the networks.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded rows, in random order: row i is in fold ``i % n_folds``.
        outputs : tensor of shape (n_rows, n_outputs)
            Centred outputs.
        bounds : tensor of shape (2, n_outputs) or None, default=None
            The least and the largest value that an output can take.
        """
        n_rows = len(encoded)
        fold = torch.arange(n_rows) % self.n_folds
        self.order = torch.from_numpy(np.lexsort(encoded[..., 0].numpy()))
        units = encoded[:, self.order].flatten(1)
        self._mean, self._spread = units.mean(0), units.std(0, correction=0).clamp_min(1e-9)
        if self.relevance is not None:
            relevance = self.relevance[self.order].flatten()
            sizes = (relevance / relevance.mean()).sqrt()
            # Training makes much of the last digits, which depend on the order of the columns.
            self._spread /= sizes.round(decimals=3).clamp_min(1e-3)
        self.is_bounded = bounds is not None
        if bounds is None:
            self._least = outputs.new_zeros(outputs.shape[1])
            self.scale = outputs.square().mean(0).sqrt()
            self.scale = torch.where(self.scale > 0, self.scale, 1.0)
        else:
            self._least, self.scale = bounds[0], bounds[1] - bounds[0]
        targets = ((outputs - self._least) / self.scale).float()
        parameters = self._train(self.standardise(units).float(), targets, fold)
        self.weights = [part.double() for part in parameters[::2]]  # (n_folds, n_in, n_out) each
        self.biases = [part.double() for part in parameters[1::2]]  # (n_folds, 1, n_out) each
        of_all = self._predict_all(self.standardise(units))
        self.held_out = of_all[fold, torch.arange(n_rows)]
        return self

    def standardise(self, units: torch.Tensor) -> torch.Tensor:
        """What the first layer reads of ``encoded[:, order].flatten(1)``."""
        return (units - self._mean) / self._spread

    def _train(
        self, units: torch.Tensor, targets: torch.Tensor, fold: torch.Tensor
    ) -> list[torch.Tensor]:
        """Weights and biases of the layers, in turn, after training."""
        generator = torch.Generator().manual_seed(_SEED)
        width, batch_size, n_steps = _settings(len(units))
        sizes = [units.shape[1], *[width] * _N_HIDDEN, targets.shape[1]]
        weights = [
            torch.randn(self.n_folds, n_in, n_out, generator=generator, dtype=units.dtype)
            * (2 / n_in) ** 0.5
            for n_in, n_out in pairwise(sizes)
        ]
        biases = [torch.zeros(self.n_folds, 1, n_out, dtype=units.dtype) for n_out in sizes[1:]]
        if self.is_bounded:
            targets = targets.clamp(0, 1)
            biases[-1] += targets.mean(0).clamp(_LEAST_START, 1 - _LEAST_START).logit()
        n_steps = int(n_steps * self.effort)
        parts = [*weights, *biases]
        parameters = torch.cat([part.flatten(1) for part in parts], 1)
        train_networks(
            parameters.numpy(),
            units.contiguous().numpy(),
            targets.contiguous().numpy(),
            _deal(fold, self.n_folds, batch_size, n_steps, generator),
            np.array([_LEARNING_RATE * _rate(step / n_steps) for step in range(n_steps)]),
            width,
            min(_MOST_DECAY, _DECAY_OF_ALL_ROWS / len(units)),
            self.is_bounded,
            _output_weights(targets).numpy(),
        )
        if not bool(parameters.isfinite().all()):
            # Whoever stacks them sees that networks that say nothing are worth nothing.
            parameters.zero_()
        flat = parameters.split([part[0].numel() for part in parts], 1)
        trained = [own.reshape(part.shape) for own, part in zip(flat, parts, strict=True)]
        layers = zip(trained[: len(weights)], trained[len(weights) :], strict=True)
        return [part for layer in layers for part in layer]

    def _predict_all(self, units: torch.Tensor) -> torch.Tensor:
        """Outputs of each network: (n_folds, n_rows, n_outputs)."""
        told = _forward(units.expand(self.n_folds, -1, -1), self.weights, self.biases)
        return self._least + self.scale * (torch.sigmoid(told) if self.is_bounded else told)

    def predict_each(self, encoded: torch.Tensor) -> torch.Tensor:
        """Prediction of each network: (n_folds, n_rows, n_outputs)."""
        return self._predict_all(self.standardise(encoded[:, self.order].flatten(1)))

    def predict(self, encoded: torch.Tensor) -> torch.Tensor:
        """Mean prediction: (n_rows, n_outputs)."""
        return self.predict_each(encoded).mean(0)


def _output_weights(targets: torch.Tensor) -> torch.Tensor:
    """Weights of bounded outputs: (n_outputs,).

    With them an output's cross-entropy is about the squared error over its variance, for outputs
    of small variance share the hidden layers with others.
    """
    mean, variance = targets.mean(0), targets.var(0, correction=0)
    return mean * (1 - mean) / variance.clamp_min(1e-9)


def _deal(
    fold: torch.Tensor,
    n_folds: int,
    batch_size: int,
    n_steps: int,
    generator: torch.Generator,
) -> np.ndarray:
    """Rows of every step, for each network those of the other folds in a new order each time.

    Returns
    -------
    ndarray of int of shape (n_steps, n_folds, batch_size)
        Fewer rows where there are not so many.
    """
    # As many rows for each network: where fewer are left out, the last is not used.
    most = len(fold) - math.ceil(len(fold) / n_folds)
    seen = torch.stack([torch.nonzero(fold != left_out)[:most, 0] for left_out in range(n_folds)])
    batch_size = min(batch_size, most)
    of_each = most // batch_size
    deals = []
    for _ in range(math.ceil(n_steps / of_each)):
        order = torch.rand(n_folds, most, generator=generator, dtype=torch.float32).argsort(1)
        deal = seen.gather(1, order)[:, : of_each * batch_size]
        deals.append(deal.view(n_folds, of_each, batch_size).transpose(0, 1))
    return torch.cat(deals)[:n_steps].contiguous().numpy()


def _settings(n_rows: int) -> tuple[int, int, int]:
    """Units of a layer, rows of a batch, and steps.

    Wider layers are better and slower; from 1,000 rows on, being slower counts for more. Of few
    rows there is less to learn, and networks soon have seen each of them hundreds of times.
    """
    if n_rows < 128:
        return 48, 32, 200
    if n_rows < 200:
        return 48, 64, 500
    if n_rows < 1000:
        return 48, 64, 1000
    if n_rows < 6000:
        return 32, 128, 720
    return 32, 256, 2000


def _rate(progress: float) -> float:
    """Share of the learning rate: it rises, then falls like a cosine."""
    if progress < _WARM_UP:
        return max(progress / _WARM_UP, 1e-3)
    return (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP))) / 2


def _forward(
    units: torch.Tensor, weights: list[torch.Tensor], biases: list[torch.Tensor]
) -> torch.Tensor:
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        units = hardswish(torch.baddbmm(bias, units, weight))
    return torch.baddbmm(biases[-1], units, weights[-1])
