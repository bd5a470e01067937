"""Classification by the nearest prototype."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_metaexplain.nets._classifiers import PrototypeNetwork, column_distances
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.selfexplaining._additive import AdditiveClassifier
from sklearn_metaexplain.selfexplaining._base import SelfExplainingClassifier
from sklearn_metaexplain.selfexplaining._number import ClassRows, choose_number
from sklearn_metaexplain.selfexplaining._priors import check_priors

_ROWS_AT_ONCE = 1024


class PrototypeClassifier(AdditiveClassifier):
    """Classify by the distance to each class's prototype, and say how much each column adds to it.

    A meta-trained network embeds every cell of a row by what the labelled rows say of cells like
    it, and by its term in a regression of their labels on all columns. A class's prototype is the
    mean embedding of its rows, or it has several, each of some of them; the logit of a class is the
    log of its prior probability minus the squared distance to its nearest prototype. The embedding
    is one block a column, so the distance, and with it every logit, is exactly a sum over columns.
    A block depends on its own cell alone, given the training table: with one prototype a class the
    attributions are the exact interventional Shapley values of the logits, the training rows being
    the background.

    Parameters
    ----------
    n_prototypes : int or "auto", default="auto"
        Prototypes of each class, of which the nearest counts; more than one are k-means centres
        of the class's embedded rows. A class with fewer different rows has as many as those.
        "auto": one, unless one of 2, 4, 8, 16 and 32 labels rows that are left out better by more
        than two standard errors; then the least about as good as the best. 512 rows are looked at,
        of which more than ten of the largest class go to a prototype; the network itself, where it
        is trained on the table, and the places of categories have seen those left out, too. To
        choose takes about as long as to fit, or longer where classes are many, but nothing with
        20 rows or fewer in the largest class.
    priors : array-like of shape (n_classes,), default=None
        Prior probabilities of the classes, in the order of `classes_`; of a Series that is
        labelled with the classes, as by ``y.value_counts(normalize=True)``, by their labels. None:
        their shares in the training table.
    n_neighbors : int, default=3
        Training rows that an explanation names as the closest to the prototype.
    pretrained : str, path or None, default="default"
        Weights: the name of shipped ones or a file that
        ``python -m sklearn_metaexplain.training`` or `MetaTrainer` wrote. None: from scratch, which
        needs `max_epochs`.
    n_support : int, default=512
        Most training rows that the network reads to embed a cell: at least one of each class,
        otherwise each class in proportion to its share, up to rounding. Prototypes are made of
        all rows.
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
        Seed of the rows that are read, the prototypes and the training.
    verbose : int, default=0
        Prints skorch's table of epochs if positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_prototypes_ : int
        Prototypes of each class that has as many different rows.
    prototypes_ : ndarray of shape (n_prototypes_in_all, n_dims)
        In the space of `embed`; means of what it gives of the training rows, but where a column has
        ten categories or more, see Notes.
    prototype_classes_ : ndarray of shape (n_prototypes_in_all,)
        Their classes.
    prototype_rows_ : ndarray of shape (n_prototypes_in_all, n_neighbors)
        Positions of the closest training rows of the class, the closest first; the last are
        repeated where a class has fewer rows.
    support_indices_ : ndarray of shape (at most n_support,)
        Positions of the training rows that were read.
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
    MatchingClassifier : Every training row votes.
    AttentionClassifier : A gate says how much each column counts.

    Notes
    -----
    ``explain(X).support`` holds, for the predicted class of each row: "prototype", the position of
    its nearest prototype; "prototypes", the positions of the closest training rows; and "weights",
    how close each of them is (the softmax of minus the squared distance). Where a class has fewer
    rows than `n_neighbors` its last one is repeated, with weight 0.

    Where a column has ten categories or more, training rows are embedded out of fold to make
    prototypes, to find the rows closest to them and to weigh these: categories are placed by the
    labels of other rows. `embed` places them by those of all rows, and has the same rows a little
    elsewhere.

    References
    ----------
    Snell, Swersky and Zemel, Prototypical networks for few-shot learning, 2017, equations 1 and 2.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import PrototypeClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = PrototypeClassifier(random_state=0).fit(X[::10], y[::10])
    >>> bool(classifier.score(X, y) > 0.9)
    True
    >>> explanation = classifier.explain(X[:2])
    >>> explanation
    Explanation(2 rows, 4 features, outputs 0, 1, 2 in raw)
    >>> explanation.support["prototype"]
    array([0, 0])
    """

    _kind = "prototype"
    _network: PrototypeNetwork

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SelfExplainingClassifier._parameter_constraints,
        "n_prototypes": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "priors": ["array-like", None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_prototypes: int | str = "auto",
        priors: Any = None,
        n_neighbors: int = 3,
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
        self.n_prototypes = n_prototypes
        self.priors = priors
        self.n_neighbors = n_neighbors

    def _learn(self, encoded: torch.Tensor, labels: np.ndarray, rng: np.random.RandomState) -> None:
        n_classes = len(self.classes_)
        priors = self._shares
        if self.priors is not None:
            priors = check_priors(self.priors, self.classes_)
        self._intercept = torch.from_numpy(np.log(priors)).to(self._context.points.device)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        self.n_prototypes_ = self._choose_number(encoded, labels, priors, seed)
        blocks = self._in_chunks(self._embed_blocks, encoded)
        embedded = blocks.reshape(len(blocks), -1)
        prototypes, classes, rows, sizes = [], [], [], []
        for label in range(n_classes):
            positions = np.flatnonzero(labels == label)
            own = embedded[positions]
            for centre in ClassRows(own, seed).prototypes(self.n_prototypes_):
                distance = np.square(own - centre).sum(1)
                closest = np.argsort(distance, kind="stable")[: self.n_neighbors]
                prototypes.append(centre)
                classes.append(label)
                sizes.append(len(closest))
                rows.append(
                    np.pad(positions[closest], (0, self.n_neighbors - len(closest)), "edge")
                )
        self.prototypes_ = np.stack(prototypes)
        self.prototype_rows_ = np.stack(rows)
        self._prototype_labels = np.array(classes)
        self.prototype_classes_ = self.classes_[self._prototype_labels]
        distances = np.square(embedded[self.prototype_rows_] - self.prototypes_[:, None]).sum(-1)
        closeness = np.exp(distances.min(1, keepdims=True) - distances)
        # A row that fills up counts once.
        closeness[np.arange(self.n_neighbors) >= np.array(sizes)[:, None]] = 0.0
        self._prototype_weights = closeness / closeness.sum(1, keepdims=True)
        self._prototype_blocks = torch.from_numpy(
            self.prototypes_.reshape(-1, *blocks.shape[1:])
        ).to(self._context.points.device)
        # The background are the rows as predictions read them, not as they are learned from.
        if self._encoder.as_told_ is not encoded:
            blocks = self._in_chunks(self._embed_blocks, self._encoder.as_told_)
        self._offset = self._mean_contributions(blocks)

    def _choose_number(
        self, encoded: torch.Tensor, labels: np.ndarray, priors: np.ndarray, seed: int
    ) -> int:
        if self.n_prototypes != "auto":
            return int(self.n_prototypes)
        return choose_number(
            self._network,
            encoded,
            labels,
            priors=priors,
            n_support=self.n_support,
            seed=seed,
        )

    def _mean_contributions(self, blocks: np.ndarray) -> torch.Tensor:
        """Mean over the training rows, embedded already, (m, n_classes)."""
        total = torch.zeros(
            blocks.shape[1], len(self.classes_), dtype=torch.float64, device=self._intercept.device
        )
        for start in range(0, len(blocks), _ROWS_AT_ONCE):
            rows = torch.from_numpy(blocks[start : start + _ROWS_AT_ONCE]).to(total.device)
            total += self._contributions_of(rows).sum(0)
        return total / len(blocks)

    def _embed_blocks(self, cells: CellBlocks) -> torch.Tensor:
        return self._network.embed(self._context, cells)

    def _nearest(self, blocks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared distances (n, n_prototypes, m), and the nearest of each class (n, n_classes)."""
        distance = column_distances(blocks, self._prototype_blocks)
        total = distance.sum(-1)
        nearest = []
        for label in range(len(self.classes_)):
            own = torch.from_numpy(np.flatnonzero(self._prototype_labels == label))
            own = own.to(total.device)
            nearest.append(own[total[:, own].argmin(1)])
        return distance, torch.stack(nearest, 1)

    def _contributions(self, cells: CellBlocks) -> torch.Tensor:
        return self._contributions_of(self._embed_blocks(cells))

    def _contributions_of(self, blocks: torch.Tensor) -> torch.Tensor:
        distance, nearest = self._nearest(blocks)
        chosen = nearest[..., None].expand(-1, -1, distance.shape[-1])
        return -distance.gather(1, chosen).transpose(1, 2)

    def _support(self, encoded: torch.Tensor) -> dict[str, Any]:
        nearest = self._in_chunks(
            lambda cells: self._nearest(self._embed_blocks(cells))[1], encoded
        )
        predicted = self._in_chunks(self._probabilities, encoded).argmax(1)
        prototype = nearest[np.arange(len(nearest)), predicted]
        return {
            "prototype": prototype,
            "prototypes": self.prototype_rows_[prototype],
            "weights": self._prototype_weights[prototype],
        }
