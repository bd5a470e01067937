"""FastSHAP's objective: a network from rows to Shapley values, trained on evaluated hybrids.

The network sees the background row that a coalition met beside the row, and explanations are means
over the background: without this, which background row it was is noise, and errors are larger.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
from measures import Result, Stopwatch
from sklearn.preprocessing import StandardScaler
from tasks import SEED, Task
from whole import close

FASTSHAP = "FastSHAP"
_PAIRS_A_ROW = 4
_EPOCHS, _PATIENCE, _BATCH = 300, 40, 32
_HIDDEN = 128
_DECAY = 1e-2


class Games:
    """Rows of training with predictions and paired coalitions, as many as evaluations allow.

    A coalition and its complement meet the same background row. Sizes follow the Shapley kernel,
    so that the loss needs no weights.

    Parameters
    ----------
    task : Task
    n_support : int
        Evaluations, those of the background included.
    """

    def __init__(self, task: Task, n_support: int) -> None:
        rng = np.random.RandomState(SEED)
        n_background, n_columns = task.background.shape
        left = n_support - n_background
        n_rows = max(1, min(len(task.X_train), left // (1 + 2 * _PAIRS_A_ROW)))
        n_pairs = (left - n_rows) // (2 * n_rows)
        self.rows = task.X_train[rng.permutation(len(task.X_train))[:n_rows]]
        self.predictions = task.masked.predict(self.rows)
        shape = (n_rows, n_pairs)
        sizes = np.arange(1, n_columns)
        kernel = 1.0 / (sizes * (n_columns - sizes))
        drawn = rng.choice(sizes, size=shape, p=kernel / kernel.sum())
        order = rng.random_sample((*shape, n_columns)).argsort(2).argsort(2)
        half = order < drawn[..., None]
        # (n_rows, 2 * n_pairs, n_columns)
        self.coalitions = np.concatenate([half, ~half], axis=1)
        self.background = np.tile(rng.randint(n_background, size=shape), 2)
        answers = task.masked.evaluate(
            self.rows,
            np.repeat(np.arange(n_rows), 2 * n_pairs),
            self.background.ravel(),
            self.coalitions.reshape(-1, n_columns),
        )
        self.outputs = answers.reshape(n_rows, 2 * n_pairs, -1)
        self.n_evaluations = n_background + n_rows + answers.shape[0]


def explain_fastshap(task: Task, n_support: int) -> Result:
    """Train within as many evaluations as the others have, then explain the task's rows.

    The evaluations are spent as the method has it: on predictions of training rows, to which each
    answer is normalised, and on pairs of coalitions.

    Parameters
    ----------
    task : Task
    n_support : int
        Evaluations.

    References
    ----------
    Jethani and others, FastSHAP: real-time Shapley value estimation, 2022.
    """
    games = Games(task, n_support)
    with Stopwatch() as fit:
        network = train(games, task)
    with Stopwatch() as watch, torch.no_grad():
        rows = network.scaler.transform(task.rows)
        background = network.scaler.transform(task.background)
        values = network(_pairs(rows[:, None], background[None])).mean(1).double().numpy()
        values = close(task, values * network.spread)
    return Result(FASTSHAP, values, watch.seconds, n_support, seconds_fit=fit.seconds)


class ValueNetwork(torch.nn.Module):
    """Three hidden layers from a row and a background row to values in units of `spread`."""

    def __init__(self, scaler: StandardScaler, spread: float, n_outputs: int) -> None:
        super().__init__()
        self.scaler, self.spread, self.n_outputs = scaler, spread, n_outputs
        n_columns = scaler.n_features_in_
        sizes = (2 * n_columns, _HIDDEN, _HIDDEN, _HIDDEN, n_columns * n_outputs)
        layers: list[torch.nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
        self.layers = torch.nn.Sequential(*layers[:-1])

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        return self.layers(pairs).view(*pairs.shape[:-1], -1, self.n_outputs)


def _pairs(rows: np.ndarray, background: np.ndarray) -> torch.Tensor:
    """Standardised rows beside background rows; axes are broadcast."""
    return torch.from_numpy(np.concatenate(np.broadcast_arrays(rows, background), -1)).float()


def train(games: Games, task: Task) -> ValueNetwork:
    """Minimise the squared gap of coalitions, answers made additive; keep the best epoch."""
    spread = float((games.predictions - task.base).std()) or 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        scaler = StandardScaler().fit(task.X_train)
        network = ValueNetwork(scaler, spread, task.truth.shape[2])
        return _train(network, games, task)


def _train(network: ValueNetwork, games: Games, task: Task) -> ValueNetwork:
    def scaled(outputs: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(outputs / network.spread).float()

    rows = network.scaler.transform(games.rows)[:, None]
    pairs = _pairs(rows, network.scaler.transform(task.background)[games.background])
    coalitions = torch.from_numpy(games.coalitions).float()
    alone = task.masked.background_outputs[games.background]
    gains, totals = scaled(games.outputs - alone), scaled(games.predictions[:, None] - alone)

    def loss(part: torch.Tensor) -> torch.Tensor:
        values = network(pairs[part])
        missing = totals[part] - values.sum(2)
        values = values + missing[:, :, None] / values.shape[2]
        answers = (coalitions[part][..., None] * values).sum(2)
        return (answers - gains[part]).square().mean()

    order = torch.randperm(len(pairs))
    n_held_out = max(1, len(pairs) // 10)
    held_out, used = order[:n_held_out], order[n_held_out:]
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=10)
    best, kept, since = float("inf"), deepcopy(network.state_dict()), 0
    for _ in range(_EPOCHS):
        for part in used[torch.randperm(len(used))].split(_BATCH):
            optimizer.zero_grad()
            loss(part).backward()
            optimizer.step()
        with torch.no_grad():
            measured = float(loss(held_out))
        schedule.step(measured)
        since += 1
        if measured < best:
            best, kept, since = measured, deepcopy(network.state_dict()), 0
        if since > _PATIENCE:
            break
    network.load_state_dict(kept)
    return network
