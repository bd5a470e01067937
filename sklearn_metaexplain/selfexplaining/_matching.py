"""Classification by the votes of training rows."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain.nets._classifiers import MatchingNetwork, SelfExplainingNetwork
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.selfexplaining._base import SelfExplainingClassifier
from sklearn_metaexplain.selfexplaining._path import path_shares


class MatchingClassifier(SelfExplainingClassifier):
    """Classify by an attention-weighted vote of training rows.

    A meta-trained network embeds rows, one block a column. A training row's vote is the softmax,
    over the training rows, of its similarity to the row at hand; the probability of a class is the
    sum of its rows' votes, so a prediction is exactly the rows that it rests on. The similarity is
    a sum over columns. Where only some of the training rows vote, each counts as many times as
    `support_weights_` say.

    Parameters
    ----------
    metric : {"euclidean", "cosine"}, default="euclidean"
        Similarity: minus the squared distance of embeddings, or a multiple of their cosine.
    n_voters : int, default=10
        Training rows with the largest votes that an explanation names.
    pretrained : str, path or None, default="default"
        Weights: the name of shipped ones or a file that
        ``python -m sklearn_metaexplain.training`` or `MetaTrainer` wrote. None: from scratch, which
        needs `max_epochs`.
    n_support : int, default=512
        Most training rows that are read and vote: at least one of each class, otherwise each class
        in proportion to its share, up to rounding, for which `support_weights_` make up.
    width : int, default=None
        Features of a cell, a multiple of 4, for ``pretrained=None``. None: 32.
    n_heads : int, default=None
        Kernels in each column, for ``pretrained=None``. None: 4.
    n_layers : int, default=None
        Layers in which columns are compared, for ``pretrained=None``. None: 2.
    max_epochs : int, default=0
        Most epochs of training on the table. 0: in context only, nothing is trained.
    lr : float, default=1e-3
        Learning rate of Adam; only with ``max_epochs > 0``.
    batch_size : int, default=256
        Rows that are labelled in a step of training; only with ``max_epochs > 0``.
    validation_fraction : float, default=0.2
        Share of each class that is held out to stop training in time; only with
        ``max_epochs > 0``.
    patience : int, default=5
        Epochs without a better loss of the rows held out after which training stops; only with
        ``max_epochs > 0``.
    callbacks : list of skorch callbacks, default=None
        For the training; only with ``max_epochs > 0``. A step is an episode, so that those that
        score rows, as `EpochScoring`, do not serve, and `ProgressBar` counts steps itself
        (``batches_per_epoch="count"``); losses and accuracies are in the history.
    device : str, default="cpu"
        Where the network runs.
    random_state : int, RandomState or None, default=None
        Seed of the rows that vote and of the training.
    verbose : int, default=0
        Prints skorch's table of epochs if positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    support_indices_ : ndarray of shape (at most n_support,)
        Positions of the training rows that vote.
    support_classes_ : ndarray of shape (at most n_support,)
        Their classes.
    support_weights_ : ndarray of shape (at most n_support,)
        How many times each of them counts: its class's share in the table over that among the
        voters. 1 where all rows vote.
    n_features_in_ : int
        Number of columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has string names.
    learner_ : Learner or None
        What took inner steps on the training rows that were read, before any other training; see
        `trace_adaptation`. None: the weights read a table in context, or no class has two rows.
    net_ : NeuralNet
        The skorch net; only with ``max_epochs > 0``. Its history has ``train_loss``,
        ``valid_loss``, ``train_accuracy`` and ``valid_accuracy``; its ``kept_epoch_`` is the number
        of the epoch whose weights are kept, 1 for the first, or 0 for those before training.

    See Also
    --------
    PrototypeClassifier : The rows of a class are averaged first.
    AttentionClassifier : A gate says how much each column counts.

    Notes
    -----
    The values of an explanation are shares of the way from the classes' shares in the table, where
    no column counts, to the probabilities, where all do. All columns' similarities are
    turned up together, and each is given what it changes on the way (Aumann and Shapley 1974); so
    they sum to the probability minus the base value.

    ``explain(X).support`` holds of each row: "prototypes", the positions of the training rows with
    the largest votes; "weights", their votes; "column_scores", of shape (n_samples, n_voters,
    n_features), what each column adds to the similarity of each of them. Votes are in proportion to
    ``support_weights_ * exp(similarity)``.

    References
    ----------
    Vinyals, Blundell, Lillicrap, Kavukcuoglu and Wierstra, Matching networks for one shot
    learning, 2016, equations 1 and 2. Aumann and Shapley, Values of non-atomic games, 1974;
    Sundararajan, Taly and Yan, Axiomatic attribution for deep networks, 2017, equation 1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import MatchingClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = MatchingClassifier(random_state=0).fit(X[::10], y[::10])
    >>> bool(classifier.score(X, y) > 0.9)
    True
    >>> classifier.votes(X[:2]).sum(axis=1).round(9)
    array([1., 1.])
    """

    _kind = "matching"
    _network: MatchingNetwork

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SelfExplainingClassifier._parameter_constraints,
        "metric": [StrOptions({"euclidean", "cosine"})],
        "n_voters": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        metric: str = "euclidean",
        n_voters: int = 10,
        pretrained: str | PathLike | None = "default",
        n_support: int = 512,
        width: int | None = None,
        n_heads: int | None = None,
        n_layers: int | None = None,
        max_epochs: int = 0,
        lr: float = 1e-3,
        batch_size: int = 256,
        validation_fraction: float = 0.2,
        patience: int = 5,
        callbacks: list[Any] | None = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            pretrained=pretrained,
            n_support=n_support,
            width=width,
            n_heads=n_heads,
            n_layers=n_layers,
            max_epochs=max_epochs,
            lr=lr,
            batch_size=batch_size,
            validation_fraction=validation_fraction,
            patience=patience,
            callbacks=callbacks,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.metric = metric
        self.n_voters = n_voters

    def votes(self, X: Any) -> np.ndarray:
        """Votes of the training rows.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        votes : ndarray of shape (n_samples, n_support)
            Of the rows `support_indices_`, each row's summing to 1.
        """
        return self._in_chunks(self._votes, self._encode(X))

    def _prepare_network(self, network: SelfExplainingNetwork) -> None:
        assert isinstance(network, MatchingNetwork)
        network.metric = self.metric

    def _learn(self, encoded: torch.Tensor, labels: np.ndarray, rng: np.random.RandomState) -> None:
        self.support_classes_ = self.classes_[labels[self.support_indices_]]
        own = labels[self.support_indices_]
        self._n_voters = min(self.n_voters, len(own))
        self.support_weights_ = self._shares[own] / (np.bincount(own) / len(own))[own]
        device = self._context.points.device
        self._weights = torch.from_numpy(self.support_weights_).to(device)
        support = encoded[self.support_indices_]
        blocks = self._in_chunks(self._embed_blocks, support)
        self._support_blocks = torch.from_numpy(blocks).to(device)

    def _embed_blocks(self, cells: CellBlocks) -> torch.Tensor:
        return self._network.embed(self._context, cells)

    def _votes(self, cells: CellBlocks) -> torch.Tensor:
        return self._votes_of(self._embed_blocks(cells))

    def _votes_of(self, blocks: torch.Tensor) -> torch.Tensor:
        scores = self._network.scores(blocks, self._support_blocks)
        return (scores + self._weights.log()).softmax(-1)

    def _probabilities(self, cells: CellBlocks) -> torch.Tensor:
        return self._votes(cells) @ self._context.votes

    def _explain(self, X: Any) -> Explanation:
        values, predictions, voters, votes, scores = self._in_chunks(
            self._explain_cells, self._encode(X)
        )
        n_rows, n_voters = voters.shape
        scores = self._by_feature(scores.reshape(n_rows * n_voters, -1))
        return Explanation(
            self._by_feature(values),
            self._shares,
            predictions,
            data=X,
            feature_names=self._attributed_names(),
            output_names=self.classes_,
            output="probability",
            value_function="intrinsic",
            n_evaluations=np.zeros(len(values), dtype=int),
            support={
                "prototypes": self.support_indices_[voters],
                "weights": votes,
                "column_scores": scores.reshape(n_rows, n_voters, -1),
            },
            estimator_type="classifier",
        )

    def _explain_cells(self, cells: CellBlocks) -> tuple[torch.Tensor, ...]:
        blocks = self._embed_blocks(cells)
        scores = self._network.column_scores(blocks, self._support_blocks)
        values = path_shares(scores, self._context.votes, self._weights)
        weighted = scores.sum(-1) + self._weights.log()
        votes = weighted.softmax(-1)
        # Equal scores differ by rounding errors; such voters are named in the order of the rows.
        voters = weighted.round(decimals=9).argsort(dim=1, descending=True, stable=True)[
            :, : self._n_voters
        ]
        chosen = scores.gather(1, voters[..., None].expand(-1, -1, scores.shape[-1]))
        # As `predict_proba` rounds them: of classes that are as likely, `predict` has one.
        predictions = self._votes_of(blocks) @ self._context.votes
        return values, predictions, voters, votes.gather(1, voters), chosen
