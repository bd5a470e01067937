"""Process, trees and networks stacked: the surrogate of a model on hybrid rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from joblib import Parallel, delayed

from sklearn_metaexplain.shapley._gap import close_gap
from sklearn_metaexplain.shapley._gp import HybridProcess, Reading
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._leafwise import LeafwiseBoosting
from sklearn_metaexplain.shapley._lengths import fit_best_lengths
from sklearn_metaexplain.shapley._network import NetworkBag
from sklearn_metaexplain.shapley._network_shapley import NetworkShapley
from sklearn_metaexplain.shapley._relevance import column_relevance
from sklearn_metaexplain.shapley._stacking import cross, stacking_weights
from sklearn_metaexplain.shapley._tree_settings import FEW_ROWS, tree_settings

# Variance that sampling a surrogate's values may add: of process and networks in that of the
# residuals, and of any in their own.
_SAMPLING_SHARE, _MOST_SAMPLING = {"process": 0.005, "networks": 0.015}, 0.03
# Of that, where rows are few.
_SHARE_OF_FEW = 0.1
# Rows on which that is estimated, and among how many they are found.
_N_TRIED, _N_LOOKED_AT = 16, 512


class StackValues(NamedTuple):
    """Shapley values of the surrogates for some rows."""

    process: torch.Tensor  # (n_rows, n_players, n_outputs)
    trees: torch.Tensor  # (n_rows, n_players, n_outputs)
    network: torch.Tensor | None  # (n_rows, n_players, n_outputs), where they take part
    reading: Reading  # of the process
    can_matter: torch.Tensor  # (n_rows, n_players), bool
    thorough: bool


class SurrogateStack:
    """Non-negative combination of a Gaussian process, boosted trees and networks.

    Weights come from out-of-sample residuals: the process's closed-form leave-one-out and the
    folds of trees and networks. Shapley values of trees are exact. Beside networks, those of the
    process may be against some of the background rows only, and those of networks are means over
    walks but for few players: as far as that adds little to what the stack misses anyway.

    Parameters
    ----------
    parameters : KernelParameters
        Kernel of the process, as proposed.
    player_of_column : tensor of shape (n_encoded,)
        The player of each encoded column.
    n_players : int
        Number of players.
    n_folds : int or None, default=None
        Folds, hence members of the bags, of trees and networks; at least 2. None: 10 of fewer than
        1,000 rows where networks take part, else 5.
    networks : bool, default=True
        Whether networks take part.
    network_effort : float, default=1.0
        Share of their usual training steps.
    tree_effort : float, default=1.0
        Share of the usual number of trees; steps are the larger.
    bounds : tensor of shape (2, n_outputs) or None, default=None
        Least and largest value of the outputs, where they are probabilities.
    max_inducing : int or None, default=None
        Most inducing rows of the process. None: 512, or 1,024 from 4,096 rows on.
    own_lengths : bool, default=False
        Whether the process looks for its kernel's lengths itself, where rows are fewer than 1,000.
    """

    def __init__(
        self,
        parameters: KernelParameters,
        player_of_column: torch.Tensor,
        n_players: int,
        *,
        n_folds: int | None = None,
        networks: bool = True,
        network_effort: float = 1.0,
        tree_effort: float = 1.0,
        bounds: torch.Tensor | None = None,
        max_inducing: int | None = None,
        own_lengths: bool = False,
    ) -> None:
        self.player_of_column = player_of_column
        self.n_players = n_players
        self._n_folds = n_folds
        self.bounds = bounds
        self._network_effort, self._tree_effort = network_effort, tree_effort
        self.network: NetworkBag | None = None
        self._networks = networks
        self._own_lengths = own_lengths
        self._parameters, self._max_inducing = parameters, max_inducing

    def fit(
        self, encoded: torch.Tensor, outputs: torch.Tensor, *, n_jobs: int | None = None
    ) -> SurrogateStack:
        """Fit the surrogates and the weights.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded hybrid rows, in random order: row i is in fold ``i % n_folds``.
        outputs : tensor of shape (n_rows, n_outputs)
            Their outputs.
        n_jobs : int or None, default=None
            Threads, of which each fits one of the surrogates; the result does not depend on it.
        """
        n_rows, self.n_outputs = outputs.shape
        # Few rows are dear: each member of a bag then sees nine in ten.
        many = 10 if self._networks and n_rows < FEW_ROWS else 5
        self.n_folds = many if self._n_folds is None else self._n_folds
        self.center = outputs.mean(0)
        centred = outputs - self.center
        fold = torch.arange(n_rows) % self.n_folds
        held_out = fold == torch.arange(self.n_folds)[:, None]
        self.trees = LeafwiseBoosting(**tree_settings(n_rows, self.n_outputs, self._tree_effort))
        fits = [
            delayed(self.fit_process)(encoded, centred),
            delayed(self.trees.fit)(
                encoded[..., 1],
                outputs.T.repeat_interleave(self.n_folds, 0),
                (~held_out).repeat(self.n_outputs, 1),
                self.player_of_column,
            ),
        ]
        if self._networks:
            bounds = None if self.bounds is None else self.bounds - self.center
            # Trees find out what matters themselves, and must not miss what matters little.
            self.network = NetworkBag(
                n_folds=self.n_folds,
                effort=self._network_effort,
                relevance=column_relevance(self._parameters),
            )
            fits.append(delayed(self.network.fit)(encoded, centred, bounds))
        self.process: HybridProcess
        self.process, *_ = Parallel(n_jobs=n_jobs, require="sharedmem")(fits)
        fitted = self.trees.fitted.view(self.n_outputs, self.n_folds, n_rows)
        out_of_fold = fitted[:, fold, torch.arange(n_rows)].T
        self.process_residuals = self.process.loo_residuals
        self.tree_residuals = outputs - out_of_fold
        guessed = [centred - self.process_residuals, out_of_fold - self.center]
        if self.network is not None:
            guessed.append(self.network.held_out)
            self.network_residuals = centred - self.network.held_out
        guesses = torch.stack(guessed, -1)
        excess = torch.zeros(guesses.shape[1:], dtype=guesses.dtype)
        if self.network is not None:
            excess = self._excess(cross(encoded, self.network.order))
        self.weights = stacking_weights(guesses, centred, excess)  # (n_outputs, 2 or 3)
        self.residuals = centred - (guesses * self.weights).sum(-1)
        self._spread = centred.square().mean(0)
        self._looked_at = encoded[:_N_LOOKED_AT]
        return self

    def fit_process(self, encoded: torch.Tensor, centred: torch.Tensor) -> HybridProcess:
        """Fit the process alone.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Encoded hybrid rows.
        centred : tensor of shape (n_rows, n_outputs)
            Their outputs, centred.

        Returns
        -------
        HybridProcess
            A new one.
        """
        process = HybridProcess(
            self._parameters,
            self.player_of_column,
            self.n_players,
            max_inducing=self._max_inducing,
        )
        if self._own_lengths and len(encoded) < FEW_ROWS:
            return fit_best_lengths(process, encoded, centred)
        return process.fit(encoded, centred)

    def _excess(self, encoded: torch.Tensor) -> torch.Tensor:
        """Mean squared error of one member of a bag beyond that of their mean, of unseen rows.

        What has not seen a row is one member, and what will be asked the mean of all.
        """
        bags = self.bags(self.process.predict(encoded), encoded)
        return torch.stack([bag.var(0, correction=0).mean(0) for bag in bags], -1)

    def set_background(self, background: torch.Tensor) -> SurrogateStack:
        """Prepare explanations against encoded background rows (n_background, n_encoded, 2)."""
        self.background = background
        self.process.set_background(background)
        self.trees.tabulate(background[..., 1], self.n_players)
        if self.network is not None:
            rows = _unlike(self._looked_at, background)[:_N_TRIED]
            self.network_shapley = NetworkShapley(
                self.network, background, self.player_of_column, self.n_players
            ).set_effort(rows, self._tolerated("networks", 2))
            self.process.set_effort(rows, self._tolerated("process", 0))
        return self

    def _tolerated(self, name: str, position: int) -> torch.Tensor:
        """Variance of a surrogate's values over their mean square, for each output.

        So much may come from sampling: a small part of what the stack misses, and the more the
        less the surrogate counts.
        """
        weight = self.weights[:, position].square()
        missed = self.residuals.square().mean(0) / self._spread.clamp_min(1e-300)
        share = (_SAMPLING_SHARE[name] * missed / weight).clamp_max(_MOST_SAMPLING)
        if len(self.residuals) < FEW_ROWS:
            share *= _SHARE_OF_FEW
        return torch.where(weight > 0, share, torch.inf)

    def predict(self, encoded: torch.Tensor) -> torch.Tensor:
        """Predicted outputs: (n_rows, n_outputs)."""
        return self.mix(self.process.predict(encoded), encoded)

    def mix(self, process: torch.Tensor, encoded: torch.Tensor) -> torch.Tensor:
        """Outputs of encoded rows for which the process predicts `process`: (n_rows, n_outputs)."""
        parts = [bag.mean(0) for bag in self.bags(process, encoded)]
        return self.center + (torch.stack(parts, -1) * self.weights).sum(-1)

    def bags(self, process: torch.Tensor, encoded: torch.Tensor) -> list[torch.Tensor]:
        """Centred predictions of each surrogate's members: (n_members, n_rows, n_outputs) each."""
        trees = self.trees.predict(encoded[..., 1]).view(self.n_outputs, self.n_folds, -1)
        bags = [process[None], trees.permute(1, 2, 0) - self.center]
        if self.network is not None:
            bags.append(self.network.predict_each(encoded))
        return bags

    def shapley(
        self, encoded: torch.Tensor, can_matter: torch.Tensor, *, thorough: bool = False
    ) -> StackValues:
        """Shapley values of the surrogates, unweighted.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Explained rows.
        can_matter : tensor of bool of shape (n_rows, n_players)
            Players that differ from some background row; the others' values are 0.
        thorough : bool, default=False
            Whether to do more than the surrogate's own error calls for, as where that will be
            far smaller.
        """
        able = can_matter[..., None]
        trees = self.trees.shapley(encoded[..., 1])
        trees = trees.view(self.n_outputs, self.n_folds, *trees.shape[1:]).mean(1)
        reading = self.process.read(encoded, thorough=thorough)
        # Rounding must not credit a player that cannot matter.
        reading = reading._replace(effect=reading.effect * able)
        process = reading.effect @ self.process.alpha
        network = None
        if self.network is not None and self.network_shapley.n_pairs > 0:
            network = self.network_shapley(encoded, thorough=thorough) * able
        return StackValues(
            process, trees.permute(1, 2, 0) * able, network, reading, can_matter, thorough
        )

    def combine(self, values: StackValues) -> torch.Tensor:
        """Weigh the surrogates' values: (n_rows, n_players, n_outputs)."""
        parts = [values.process, values.trees]
        if values.network is not None:
            parts.append(values.network)
        return (torch.stack(parts, -1) * self.weights[:, : len(parts)]).sum(-1)

    def close(
        self,
        encoded: torch.Tensor,
        values: StackValues,
        predictions: torch.Tensor,
        base: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Combine the values and let them sum to what they must.

        The process is conditioned on the row's own output; what is still missing is distributed
        by `close_gap`.

        Parameters
        ----------
        encoded : tensor of shape (n_rows, n_encoded, 2)
            Explained rows.
        values : StackValues
            Their values.
        predictions : tensor of shape (n_rows, n_outputs)
            The model's outputs.
        base : tensor of shape (n_outputs,)
            The model's mean output on the background.

        Returns
        -------
        closed : tensor of shape (n_rows, n_players, n_outputs)
        explained : tensor of shape (n_rows, n_players)
            Variance that the rows' outputs explain, before `variance_scale`.
        """
        expected = self.mix(values.reading.cross @ self.process.alpha, encoded)
        update, explained = self.process.condition_on_outputs(
            values.reading, predictions - expected, thorough=values.thorough
        )
        able = values.can_matter[..., None]
        closed = self.combine(values) + update * able
        gap = predictions - base - closed.sum(1)
        return close_gap(closed, gap, values.can_matter), explained


def _unlike(encoded: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """Rows in the order of how many columns they share with a background row, fewest first."""
    shared = torch.stack([(row == encoded).all(-1).sum(-1) for row in background]).amax(0)
    return encoded[shared.argsort(stable=True)]
