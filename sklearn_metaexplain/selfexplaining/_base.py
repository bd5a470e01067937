"""What self-explaining classifiers share."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._fitted import CompleteFitMixin
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.base import EstimatorTags, ExplainerMixin
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.nets._device import check_device
from sklearn_metaexplain.nets._labelled_table import LabelledEncoder, choose_support
from sklearn_metaexplain.nets._part_encoder import PartEncoder
from sklearn_metaexplain.nets._table_objective import TableObjective
from sklearn_metaexplain.selfexplaining._adaptation import AdaptingMixin
from sklearn_metaexplain.selfexplaining._chunks import in_chunks
from sklearn_metaexplain.selfexplaining._labels import number_labels
from sklearn_metaexplain.selfexplaining._start import make_network
from sklearn_metaexplain.selfexplaining._table import add_up_columns
from sklearn_metaexplain.selfexplaining._training import train_on_table


class SelfExplainingClassifier(
    CompleteFitMixin, AdaptingMixin, ExplainerMixin, ClassifierMixin, BaseEstimator
):
    """Base of classifiers that read labelled rows and show what a prediction is made of.

    A subclass names its network in `_kind` and writes `_learn`, which keeps what it needs of the
    training rows, `_probabilities`, `_embed_blocks` and `_explain`. `_shares` are those of the
    classes in the whole table, of which the network may have read a part only.
    """

    _kind: ClassVar[str]
    _shares: np.ndarray

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pretrained": [str, PathLike, None],
        "n_support": [Interval(Integral, 2, None, closed="left")],
        "width": [Interval(Integral, 4, None, closed="left"), None],
        "n_heads": [Interval(Integral, 1, None, closed="left"), None],
        "n_layers": [Interval(Integral, 0, None, closed="left"), None],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, None],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
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
        self.pretrained = pretrained
        self.n_support = n_support
        self.width = width
        self.n_heads = n_heads
        self.n_layers = n_layers
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.callbacks = callbacks
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> SelfExplainingClassifier:
        """Read a labelled table, and train on it where `max_epochs` says so.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            The table: numbers, text, categories, dates, missing values.
        y : array-like of shape (n_samples,)
            Classes of the rows, at least two.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is one class only, `y` is no class labels, a parameter does not fit the
            weights, or the table has infinite values.

        Warns
        -----
        ConvergenceWarning
            If no epoch of training was better than the start, which is then kept.
        ExplanationWarning
            If the weights are to take inner steps that cannot be taken, as no class has two rows.
        """
        # A fit that fails is none: what it has written is not to answer with what one before left.
        self._is_complete = False
        X = self._check_table(X, reset=True)
        self.classes_, labels = number_labels(X, y, type(self).__name__)
        device = check_device(self.device)
        seed = draw_seed(self.random_state)
        network = make_network(
            self._kind,
            self.pretrained,
            {name: getattr(self, name) for name in ("width", "n_heads", "n_layers")},
            is_trained=self.max_epochs > 0,
            seed=seed,
        )
        network = network.double().to(device)
        self._check_columns()
        rng = np.random.RandomState(seed)
        n_classes = len(self.classes_)
        self._shares = np.bincount(labels) / len(labels)
        self._encoder = LabelledEncoder(X, labels, n_classes)
        encoded = self._encoder.encoded_
        self._prepare_network(network)
        self.support_indices_ = choose_support(labels, self.n_support, rng)
        support = encoded[self.support_indices_].to(device)
        targets = torch.from_numpy(labels[self.support_indices_]).to(device)
        self._adapt(network, self._objective(), support, targets)
        self.__dict__.pop("net_", None)
        if self.max_epochs > 0:
            self.net_ = train_on_table(
                network,
                self._objective(),
                PartEncoder(self._encoder, X, labels, n_classes),
                labels,
                n_classes,
                n_support=self.n_support,
                batch_size=self.batch_size,
                max_epochs=self.max_epochs,
                lr=self.lr,
                validation_fraction=self.validation_fraction,
                patience=self.patience,
                callbacks=self.callbacks,
                device=device,
                seed=int(rng.randint(np.iinfo(np.int32).max)),
                verbose=self.verbose,
            )
        self._network = network.eval().requires_grad_(False)
        with torch.no_grad():
            self._context = network.encoder.read(support, targets, n_classes)
            self._learn(encoded, labels, rng)
        self._is_complete = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The likeliest class.
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return self._in_chunks(self._probabilities, self._encode(X))

    def embed(self, X: Any) -> np.ndarray:
        """Embed rows in the space in which the classifier compares them.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        embedding : ndarray of shape (n_samples, n_dims)
            Blocks of the columns, one after the other.
        """
        embedded = self._in_chunks(self._embed_blocks, self._encode(X))
        return embedded.reshape(len(embedded), -1)

    def __sklearn_tags__(self) -> EstimatorTags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    # What a subclass writes

    @abstractmethod
    def _learn(self, encoded: torch.Tensor, labels: np.ndarray, rng: np.random.RandomState) -> None:
        """Keep what is needed of the training rows; `_network` and `_context` are there."""

    @abstractmethod
    def _probabilities(self, cells: CellBlocks) -> torch.Tensor:
        """Probabilities of embedded rows, (n, n_classes)."""

    @abstractmethod
    def _embed_blocks(self, cells: CellBlocks) -> torch.Tensor:
        """Blocks of embedded rows, (n, m, block)."""

    def _objective(self) -> TableObjective:
        return TableObjective()

    def _check_columns(self) -> None:
        """Check parameters that name columns."""

    def _prepare_network(self, network: SelfExplainingNetwork) -> None:
        """Tell the network what the parameters ask for."""

    # What a subclass may use

    def _encode(self, X: Any) -> torch.Tensor:
        check_is_fitted(self)
        return self._encoder.encode(self._check_table(X, reset=False))

    def _in_chunks(self, compute: Any, encoded: torch.Tensor) -> Any:
        """Results of `compute` on the cells of encoded rows, a chunk of rows at a time."""
        return in_chunks(self._network.encoder, self._context, compute, encoded)

    def _by_feature(self, parts: np.ndarray) -> np.ndarray:
        """Sum over encoded columns of the same column."""
        sums = add_up_columns(parts, self._encoder.source_, self.n_features_in_)
        # Where every column is constant one is read all the same, and says rounding errors.
        return np.zeros_like(sums) if self._encoder.is_constant_ else sums
