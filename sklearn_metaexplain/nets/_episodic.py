"""skorch over whole tasks instead of rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from skorch import NeuralNet
from torch.utils.data import IterableDataset


class EpisodeBatch:
    """Episodes of one step; a class of its own because episodes differ in size."""

    def __init__(self, episodes: list[Any]) -> None:
        self.episodes = episodes

    def __len__(self) -> int:
        return len(self.episodes)


class EpisodeBatches(IterableDataset):
    """A dataset of batches of episodes.

    Parameters
    ----------
    batches : iterable of list
        One list of episodes a step; iterated anew every epoch.
    """

    def __init__(self, batches: Iterable[list[Any]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[EpisodeBatch]:
        return map(EpisodeBatch, iter(self.batches))


class EpisodicNet(NeuralNet):
    """skorch net whose training step is a batch of whole tasks.

    The criterion is the objective: a module called with the network and an episode. It is
    fitted on `EpisodeBatches`.

    Parameters
    ----------
    module, criterion, **kwargs
        As in skorch; `batch_size` is None, for the dataset batches.
    """

    def __init__(self, module: Any, criterion: Any, **kwargs: Any) -> None:
        kwargs.setdefault("batch_size", None)
        kwargs.setdefault("iterator_train__collate_fn", _as_it_is)
        kwargs.setdefault("iterator_valid__collate_fn", _as_it_is)
        super().__init__(module, criterion, **kwargs)

    def train_step_single(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Accumulate the gradients of the batch's episodes, or none if a task is degenerate."""
        self._set_training(True)
        try:
            loss = self.accumulate(batch)
        except torch.linalg.LinAlgError:
            # A kernel that is not positive definite, of which other gradients are left.
            loss = math.nan
        gradients = [p.grad for p in self.module_.parameters() if p.grad is not None]
        is_finite = (bool(torch.isfinite(gradient).all()) for gradient in gradients)
        if math.isnan(loss) or not all(is_finite):
            # One degenerate task must not end hours of training.
            self.module_.zero_grad()
        return {"loss": torch.tensor(loss), "y_pred": torch.empty(0)}

    def accumulate(self, batch: EpisodeBatch) -> float:
        """Add the gradient of the batch's mean objective; return the objective."""
        total = 0.0
        for episode in batch.episodes:
            loss = self.criterion_(self.module_, episode) / len(batch)
            loss.backward()
            total += float(loss.detach())
        return total

    def validation_step(self, batch: EpisodeBatch, **fit_params: Any) -> dict[str, Any]:
        """Mean objective of the batch's episodes."""
        self._set_training(False)
        with torch.no_grad():
            losses = [self._judge(episode) for episode in batch.episodes]
        return {"loss": torch.stack(losses).mean(), "y_pred": torch.empty(0)}

    def _judge(self, episode: Any) -> torch.Tensor:
        try:
            return self.criterion_(self.module_, episode)
        except torch.linalg.LinAlgError:
            return torch.tensor(math.nan)


class HeldOut:
    """A skorch `train_split` that validates on a dataset of its own."""

    def __init__(self, dataset: IterableDataset) -> None:
        self.dataset = dataset

    def __call__(self, dataset: Any, y: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        return dataset, self.dataset


def _as_it_is(batch: Any) -> Any:
    return batch
