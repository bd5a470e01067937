"""Inner steps on the labelled rows, for weights that were meta-trained to take them."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_metaexplain._callers import stacklevel_of_caller
from sklearn_metaexplain.exceptions import ExplanationWarning
from sklearn_metaexplain.learners import AdaptationTrace, EpisodeLoss, Learner, trace_adaptation
from sklearn_metaexplain.learners._stored import StoredLearner, load_learner, take_inner_steps
from sklearn_metaexplain.nets._classifier_weights import REGISTRIES
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._labelled import LabelledEpisode
from sklearn_metaexplain.nets._table_objective import TableObjective
from sklearn_metaexplain.selfexplaining._labels import read_labels


class _Adaptation(NamedTuple):
    """What is needed to take the steps again."""

    stored: StoredLearner
    loss: EpisodeLoss  # its network is the one before the steps
    episode: LabelledEpisode  # of the rows that were read, without a query


class AdaptingMixin:
    """Mixin of classifiers whose weights may come with a learner that adapts them."""

    pretrained: Any
    classes_: np.ndarray
    learner_: Learner | None
    _kind: ClassVar[str]
    _adaptation: _Adaptation | str  # why there is none

    if TYPE_CHECKING:

        def _encode(self, X: Any) -> torch.Tensor:
            raise NotImplementedError

    def trace_adaptation(self, X: Any, y: Any) -> AdaptationTrace:
        """Take the inner steps of `fit` again and record what each of them does.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Labelled rows to judge the steps by, such as rows held out.
        y : array-like of shape (n_samples,)
            Their classes.

        Returns
        -------
        trace : AdaptationTrace
            Of the rows `support_indices_`: what changed in which layer, losses and probabilities
            of `X` by step, and how much each row that was read has mattered.

        Raises
        ------
        ValueError
            If `fit` took no steps, or `y` has missing labels or classes that it has not seen.

        See Also
        --------
        sklearn_metaexplain.inspection.AdaptationDisplay : Draws the trace's `curves`.
        """
        check_is_fitted(self)
        if isinstance(self._adaptation, str):
            raise ValueError(self._adaptation)
        stored, loss, episode = self._adaptation
        query = self._encode(X)
        y = read_labels(y)
        check_consistent_length(query, y)
        labels = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[labels] != y
        if unknown.any():
            raise ValueError(f"y has classes that fit has not seen: {np.unique(y[unknown])}.")
        episode = episode._replace(
            query=query.to(episode.support.device),
            query_labels=torch.from_numpy(labels).to(episode.labels.device),
        )
        return trace_adaptation(stored.learner, loss, episode, state=stored.state)

    def _adapt(
        self,
        network: SelfExplainingNetwork,
        objective: TableObjective,
        support: torch.Tensor,
        labels: torch.Tensor,
    ) -> None:
        """Take the steps, in place, if the weights come with a learner that takes any."""
        self.learner_ = None
        self._adaptation = (
            f"pretrained={self.pretrained!r} reads a table in context only: fit took no inner "
            "steps. Weights that take them come from MetaTrainer(learner=MAML()) and the like."
        )
        if self.pretrained is None:
            return
        stored = load_learner(self.pretrained, REGISTRIES[self._kind], network)
        if stored is None:
            return
        _check_settings(network, stored)
        if not stored.adapts:
            return
        n_classes = len(self.classes_)
        episode = LabelledEpisode(support, labels, support[:0], labels[:0], n_classes)
        if not objective.has_support_loss(episode):
            self._adaptation = (
                f"fit took no inner steps of {stored.learner}: rows are to be told by others of "
                "their class, and no class has two rows that are read. The table is read in "
                "context only; give more rows, or raise n_support."
            )
            warnings.warn(self._adaptation, ExplanationWarning, stacklevel=stacklevel_of_caller())
            return
        adaptation = _Adaptation(stored, EpisodeLoss(deepcopy(network), objective), episode)
        if not take_inner_steps(stored, EpisodeLoss(network, objective), episode):
            self._adaptation = (
                f"fit took no inner steps of {stored.learner}: they left the range of numbers on "
                "this table. It is read in context only."
            )
            return
        self.learner_, self._adaptation = stored.learner, adaptation


def _check_settings(network: SelfExplainingNetwork, stored: StoredLearner) -> None:
    """Refuse a metric or a gate that the weights have never seen."""
    trained = stored.training.get("settings", {})
    wrong = {name: value for name, value in trained.items() if getattr(network, name) != value}
    if wrong:
        asked = ", ".join(f"{name}={getattr(network, name)!r}" for name in wrong)
        known = ", ".join(f"{name}={value!r}" for name, value in wrong.items())
        raise ValueError(
            f"{asked} does not suit pretrained: these weights were meta-trained with {known}; set "
            "that, or other weights."
        )
