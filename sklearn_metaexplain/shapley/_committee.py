"""A quick stack of surrogates, for where they disagree."""

from __future__ import annotations

import torch

from sklearn_metaexplain.shapley._kernel import default_parameters
from sklearn_metaexplain.shapley._stack import SurrogateStack

_NETWORK_EFFORT = 1 / 3
_MAX_INDUCING = 256
_ROWS_AT_ONCE = 1024


class Committee:
    """Surrogates that say which rows are worth asking a model about.

    The members are a Gaussian process with the default kernel, the bags of oblivious trees and
    those of networks, weighted as in a `SurrogateStack` and trained for a fraction of its time.

    Parameters
    ----------
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players.
    bounds : tensor of shape (2, n_outputs) or None, default=None
        Least and largest value of the outputs, where they are probabilities.

    References
    ----------
    Krogh and Vedelsby, Neural network ensembles, cross validation, and active learning, 1995 (the
    ambiguity of a weighted ensemble, and its use for choosing what to ask).
    """

    def __init__(
        self,
        player_of_column: torch.Tensor,
        n_players: int,
        *,
        bounds: torch.Tensor | None = None,
    ) -> None:
        self.stack = SurrogateStack(
            default_parameters(len(player_of_column)),
            player_of_column,
            n_players,
            network_effort=_NETWORK_EFFORT,
            bounds=bounds,
            max_inducing=_MAX_INDUCING,
        )

    def fit(self, encoded: torch.Tensor, outputs: torch.Tensor) -> Committee:
        """Fit the members to evaluated rows, which come in random order.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded hybrid rows.
        outputs : tensor of shape (n_rows, n_outputs)
            Their outputs.
        """
        self.stack.fit(encoded, outputs)
        return self

    def ambiguity(self, encoded: torch.Tensor) -> torch.Tensor:
        """Weighted variance of the members' predictions.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded rows, asked about or not.

        Returns
        -------
        tensor of shape (n_rows, n_outputs)
        """
        return torch.cat([self._ambiguity(part) for part in encoded.split(_ROWS_AT_ONCE)])

    def _ambiguity(self, encoded: torch.Tensor) -> torch.Tensor:
        stack = self.stack
        assert stack.network is not None
        trees = stack.trees.predict(encoded[..., 1]).view(stack.n_outputs, stack.n_folds, -1)
        bags = [
            stack.process.predict(encoded)[None],
            trees.permute(1, 2, 0) - stack.center,
            stack.network.predict_each(encoded),
        ]
        # Members of a bag share its weight.
        weights = torch.cat(
            [
                (weight / len(bag)).expand(len(bag), -1)
                for bag, weight in zip(bags, stack.weights.T, strict=True)
            ]
        )[:, None]
        weights = weights / weights.sum(0).clamp_min(1e-300)
        members = torch.cat(bags)  # (n_members, n_rows, n_outputs)
        deviations = members - (weights * members).sum(0)
        return (weights * deviations.square()).sum(0)
