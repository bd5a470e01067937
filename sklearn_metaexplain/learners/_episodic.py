"""N-way K-shot episodes, the training of metric-based meta-learning."""

from __future__ import annotations

import zlib
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import nn

from sklearn_metaexplain._rows import take_rows
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.learners._in_context import InContext
from sklearn_metaexplain.learners._loss import EpisodeLoss
from sklearn_metaexplain.nets._labelled import LabelledEpisode, RawRows
from sklearn_metaexplain.nets._labelled_table import encode_episode


class Episodic(InContext):
    """Metric-based meta-learning: in context, on N-way K-shot episodes.

    Of each `~sklearn_metaexplain.nets._labelled.LabelledEpisode` a few classes are drawn, and of
    each of them a few support rows; the query keeps the rows of these classes. Classes are
    numbered anew, at random, so that no output is always the same class. Where the episode has its
    rows as they were, as those of `~sklearn_metaexplain.training.TableTasks` have, the rows drawn
    are encoded by themselves, so that no category's place tells labels of rows that were not drawn;
    columns that are constant in them are left out, so that episodes of a table differ in width.

    Parameters
    ----------
    n_way : int, default=None
        Classes, at most: an episode with fewer keeps them all. None: all, by their own numbers.
    n_shot : int, default=None
        Support rows of each class, at most. None: all.
    random_state : int or RandomState, default=None
        What draws. None: an episode's content alone decides, so that an episode is always drawn
        from in the same way. An int gives other draws, as fixed as these; a RandomState gives
        new ones each time an episode comes back, but in `MetaTrainer`, which draws an int of it.

    See Also
    --------
    InContext : The same on episodes as they are.

    References
    ----------
    Vinyals et al., Matching networks for one shot learning, 2016, section 2.2. Snell et al.,
    Prototypical networks for few-shot learning, 2017, algorithm 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_metaexplain.learners import Episodic
    >>> from sklearn_metaexplain.nets._labelled import LabelledEpisode
    >>> rows, labels = torch.zeros(30, 1, 2), torch.arange(30) % 6
    >>> episode = LabelledEpisode(rows, labels, rows, labels, 6)
    >>> drawn = Episodic(n_way=3, n_shot=2).draw(episode)
    >>> drawn.n_classes, drawn.labels.bincount(), drawn.query_labels.bincount()
    (3, tensor([2, 2, 2]), tensor([5, 5, 5]))
    """

    name: ClassVar[str] = "episodic"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_way": [Interval(Integral, 2, None, closed="left"), None],
        "n_shot": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self, *, n_way: int | None = None, n_shot: int | None = None, random_state: Any = None
    ) -> None:
        self.n_way = n_way
        self.n_shot = n_shot
        self.random_state = random_state

    def can_draw(self, episode: LabelledEpisode) -> bool:
        """Whether an episode has what `draw` needs.

        Parameters
        ----------
        episode : LabelledEpisode
            It is not changed.

        Returns
        -------
        can : bool
            True where two classes have support rows as well as query rows, or `n_way` is None.
        """
        return self.n_way is None or len(_usable_classes(episode)) > 1

    def draw(self, episode: LabelledEpisode) -> LabelledEpisode:
        """Draw an N-way K-shot episode out of a larger one.

        Parameters
        ----------
        episode : LabelledEpisode
            It is not changed.

        Returns
        -------
        episode : LabelledEpisode
            Rows in their order, classes by new numbers (their own, if `n_way` is None).

        Raises
        ------
        ValueError
            If fewer than two classes have support rows as well as query rows.
        """
        self._validate_params()
        if self.n_way is None and self.n_shot is None:
            return episode
        rng = np.random.default_rng(self._seed(episode))
        labels, query_labels = episode.labels.cpu().numpy(), episode.query_labels.cpu().numpy()
        if self.n_way is None:
            kept = np.arange(episode.n_classes)
        else:
            usable = _usable_classes(episode)
            if len(usable) < 2:
                raise ValueError(
                    f"n_way={self.n_way}: {len(usable)} of the episode's {episode.n_classes} "
                    "classes have support rows as well as query rows, and two are needed; draw "
                    "episodes with more rows, or leave n_way out."
                )
            kept = rng.permutation(usable)[: self.n_way]
        rows = np.flatnonzero(np.isin(labels, kept))
        if self.n_shot is not None:
            shuffled = rng.permutation(rows)
            shots = [shuffled[labels[shuffled] == label][: self.n_shot] for label in kept]
            rows = np.sort(np.concatenate(shots))
        query_rows = np.flatnonzero(np.isin(query_labels, kept))
        number = np.empty(episode.n_classes, dtype=np.int64)
        number[kept] = np.arange(len(kept))

        return _take(
            episode,
            rows,
            number[labels[rows]],
            query_rows,
            number[query_labels[query_rows]],
            len(kept),
        )

    def accumulate(
        self,
        loss: EpisodeLoss,
        episode: LabelledEpisode,
        *,
        state: nn.Module | None = None,
        scale: float = 1.0,
    ) -> float:
        """Add the gradient of the query loss of the N-way K-shot episode.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, whose parameters are not changed, and its objective.
        episode : LabelledEpisode
            What `draw` draws from.
        state : None, default=None
            This learner has none.
        scale : float, default=1.0
            What the gradient is multiplied by: 1 / number of episodes for a mean over tasks.

        Returns
        -------
        query_loss : float
            Of the episode drawn, not scaled.
        """
        return super().accumulate(loss, self.draw(episode), state=state, scale=scale)

    def query_loss(
        self, loss: EpisodeLoss, episode: LabelledEpisode, *, state: nn.Module | None = None
    ) -> float:
        """Query loss of the N-way K-shot episode.

        Parameters
        ----------
        loss : EpisodeLoss
            The network, which is not changed, and its objective.
        episode : LabelledEpisode
            What `draw` draws from.
        state : None, default=None
            This learner has none.

        Returns
        -------
        query_loss : float
            Of the episode drawn.
        """
        return super().query_loss(loss, self.draw(episode), state=state)

    def _seed(self, episode: LabelledEpisode) -> list[int]:
        content = zlib.crc32(episode.support.detach().cpu().numpy().tobytes())
        content = zlib.crc32(episode.labels.cpu().numpy().tobytes(), content)
        return [content] if self.random_state is None else [content, draw_seed(self.random_state)]


def _take(
    episode: LabelledEpisode,
    rows: np.ndarray,
    labels: np.ndarray,
    query_rows: np.ndarray,
    query_labels: np.ndarray,
    n_classes: int,
) -> LabelledEpisode:
    """Rows of an episode, by their new labels; encoded by the support taken, where they can be."""

    def to_device(numbers: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(numbers).to(episode.labels.device)

    if episode.raw is None:
        return episode._replace(
            support=episode.support[to_device(rows)],
            labels=to_device(labels),
            query=episode.query[to_device(query_rows)],
            query_labels=to_device(query_labels),
            n_classes=n_classes,
        )
    support, query = episode.raw
    raw = RawRows(take_rows(support, rows), take_rows(query, query_rows))
    taken = encode_episode(raw, labels, query_labels, n_classes)
    return taken._replace(
        support=taken.support.to(episode.support),
        labels=taken.labels.to(episode.labels.device),
        query=taken.query.to(episode.query),
        query_labels=taken.query_labels.to(episode.labels.device),
    )


def _usable_classes(episode: LabelledEpisode) -> np.ndarray:
    """Classes with support rows as well as query rows."""
    return np.intersect1d(episode.labels.cpu().numpy(), episode.query_labels.cpu().numpy())
