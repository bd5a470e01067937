"""Training of a network on one labelled table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from skorch.callbacks import PassthroughScoring

from sklearn_metaexplain.nets._adaptation import train_episodes
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._episodic import EpisodeBatch, EpisodicNet
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._labelled_table import draw_support
from sklearn_metaexplain.nets._part_encoder import PartEncoder
from sklearn_metaexplain.nets._table_objective import TableObjective

_LEAST_STEPS, _MOST_STEPS = 4, 32
# A step costs the square of the rows that it reads, and more of them teach little more.
_MOST_READ = 256


class TableNet(EpisodicNet):
    """skorch net over episodes of one table; its history has losses and accuracies."""

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [
            *super()._default_callbacks,
            ("train_accuracy", PassthroughScoring("train_accuracy", on_train=True)),
            ("valid_accuracy", PassthroughScoring("valid_accuracy")),
        ]

    def train_step_single(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Note the accuracy."""
        step = super().train_step_single(batch, **fit_params)
        self.history.record_batch("train_accuracy", self.criterion_.accuracy)
        return step

    def validation_step(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Note the accuracy."""
        step = super().validation_step(batch, **fit_params)
        if self.history:
            self.history.record_batch("valid_accuracy", self.criterion_.accuracy)
        return step


def train_on_table(
    network: SelfExplainingNetwork,
    objective: TableObjective,
    table: PartEncoder,
    labels: np.ndarray,
    n_classes: int,
    *,
    n_support: int,
    batch_size: int,
    max_epochs: int,
    lr: float,
    validation_fraction: float,
    patience: int,
    callbacks: Any,
    device: str,
    seed: int,
    verbose: int,
) -> TableNet:
    """Train a network to label rows of a table by its other rows.

    Parameters
    ----------
    network : SelfExplainingNetwork
        Where to start; it is trained itself.
    objective : TableObjective
        The loss.
    table : PartEncoder
        The table. Its categories are placed by the rows that are trained on; in a step, by those
        that are not to be labelled.
    labels : ndarray of int of shape (n_samples,)
        Its classes.
    n_classes : int
        Number of classes.
    n_support : int
        Most rows that are read in a step, if fewer than 256.
    batch_size : int
        Most rows that are labelled in a step.
    max_epochs, lr, patience, callbacks, device, seed, verbose
        As in `train_episodes`.
    validation_fraction : float
        Share of the rows that are held out to stop in time.

    Raises
    ------
    ValueError
        If there is no class of which a row could be held out.
    """
    rng = np.random.RandomState(seed)
    trained, held_out = _hold_out(labels, validation_fraction, rng)
    # Half the time of double precision, in which the trained network is then used.
    network = network.float()
    targets = torch.from_numpy(labels).to(device)
    network.encoder.start_task(table.n_encoded)

    def episode(support: np.ndarray, query: np.ndarray, placing: np.ndarray) -> LabelledEpisode:
        rows, others = (table.encode(part, placing).float().to(device) for part in (support, query))
        return LabelledEpisode(rows, targets[support], others, targets[query], n_classes)

    def draw(generator: np.random.Generator) -> LabelledEpisode:
        # Half to nine tenths are read, so that the network serves tables of several sizes.
        share = generator.uniform(0.5, 0.9)
        state = np.random.RandomState(generator.integers(2**31))
        size = min(n_support, _MOST_READ, max(n_classes, int(share * len(trained))))
        support = draw_support(labels[trained], size, state)
        others = np.delete(trained, support)
        if len(others) == 0:
            return episode(trained, state.permutation(trained)[:batch_size], trained)
        query = state.permutation(others)[:batch_size]
        return episode(trained[support], query, np.setdiff1d(trained, query))

    context = trained[draw_support(labels[trained], min(n_support, _MOST_READ), rng)]
    n_steps = int(np.clip(np.ceil(len(trained) / batch_size), _LEAST_STEPS, _MOST_STEPS))
    net = train_episodes(
        TableNet,
        network.requires_grad_(True),
        objective,
        draw,
        episode(context, held_out, trained),
        n_steps=n_steps,
        max_epochs=max_epochs,
        lr=lr,
        callbacks=callbacks,
        device=device,
        seed=seed,
        verbose=verbose,
        patience=patience,
    )
    assert isinstance(net, TableNet)
    network.double()
    return net


def _hold_out(
    labels: np.ndarray, fraction: float, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Split positions; of each class a row stays, and one is held out where there are two."""
    held_out = []
    # Drawn at once, so that nothing depends on what the classes are called.
    order = rng.permutation(len(labels))
    for label in range(int(labels.max()) + 1):
        rows = order[labels[order] == label]
        if len(rows) > 1:
            n_held_out = min(len(rows) - 1, max(1, round(fraction * len(rows))))
            held_out.append(rows[:n_held_out])
    if not held_out:
        raise ValueError(
            "max_epochs > 0 holds rows out to know when to stop, but every class has one row "
            "only; use max_epochs=0, or more rows."
        )
    positions = np.sort(np.concatenate(held_out))
    return np.delete(np.arange(len(labels)), positions), positions
