"""Classification by gated evidence of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_metaexplain.masking import Players, resolve_feature_groups
from sklearn_metaexplain.nets._attention_network import AttentionNetwork, Gates
from sklearn_metaexplain.nets._classifiers import SelfExplainingNetwork
from sklearn_metaexplain.nets._column_encoder import CellBlocks
from sklearn_metaexplain.nets._table_objective import AttentionObjective, TableObjective
from sklearn_metaexplain.selfexplaining._additive import AdditiveClassifier
from sklearn_metaexplain.selfexplaining._base import SelfExplainingClassifier
from sklearn_metaexplain.selfexplaining._table import add_up_columns


class AttentionClassifier(AdditiveClassifier):
    """Classify by what each column says of each class, times how much the column counts.

    A meta-trained network reads the evidence of each cell for each class. Some of its heads look at
    one column at a time: kernels that say how often rows with a cell like it were of the class. The
    last head is the cell's term in a ridge regression of the labels on the cells of all columns,
    solved in closed form, in which columns share what several of them say. A gate module looks
    at the whole row and gives each column a weight. The logit of a class is the log of its share
    plus the sum over columns of weight times evidence, so attributions are the very terms that are
    summed.

    Parameters
    ----------
    attention : {"shared", "per_class"}, default="shared"
        Whether a column has one weight for all classes or one for each.
    gate : {"sigmoid", "sparsemax"}, default="sigmoid"
        Weights between 0 and 1 each, or weights that sum to 1 over the columns, many exactly 0.
    l1 : float, default=0.0
        Weight of the penalty on open gates in the loss; needs `max_epochs`. For sparsemax, whose
        weights have a constant L1 norm, the penalty is their Tsallis entropy.
    groups_by : mapping or list of lists, default=None
        Groups of columns, by name or position: a column's weight is then its group's weight times
        its own within the group; with "sparsemax" each sum to 1. Columns that are not named are
        groups of their own. A column that is alone, or whose group is constant but for it, has
        weight 1 within its group, so that groups of one change nothing.
    adversarial_eps : float, default=0.0
        Largest change of a cell, in standard deviations of its column, against which the network is
        trained; needs `max_epochs`. At moderate values (about 0.3) predictions, and with them
        explanations, usually change less between rows that are alike.
    pretrained : str, path or None, default="default"
        Weights: the name of shipped ones or a file that
        ``python -m sklearn_metaexplain.training`` or `MetaTrainer` wrote. None: from scratch, which
        needs `max_epochs`.
    n_support : int, default=512
        Most training rows that the network reads: at least one of each class, otherwise each class
        in proportion to its share, up to rounding. The shares in the logits are those of all rows.
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
        Seed of the rows that are read and of the training.
    verbose : int, default=0
        Prints skorch's table of epochs if positive.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    group_names_ : ndarray of shape (n_groups,)
        Names of the groups; only with `groups_by`.
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
    PrototypeClassifier : Distances to the classes' means.
    MatchingClassifier : Every training row votes.

    Notes
    -----
    ``explain(X).support`` holds "attention", the weights, of shape (n_samples, n_features) or, with
    ``attention="per_class"``, (n_samples, n_features, n_classes); with `groups_by` also
    "group_attention", of shape (n_samples, n_groups[, n_classes]), and "attention_in_group", their
    factors: "attention" is always the column's "attention_in_group" times its group's
    "group_attention". A column that is constant in the training table has weight 0, as has a group
    of such columns. A column that is read as several numbers (missing or not; two axes of a
    category) has the mean of their weights with ``gate="sigmoid"``, which keeps it between 0 and 1,
    and their sum with ``gate="sparsemax"``, so that the columns' weights sum to 1 unless all are
    constant; so does a group in which no other column varies.

    References
    ----------
    Bertinetto, Henriques, Torr and Vedaldi, Meta-learning with differentiable closed-form solvers,
    2019 (the ridge regression); Bahdanau, Cho and Bengio, Neural machine translation by jointly
    learning to align and translate, 2015 (attention); Yang et al., Hierarchical attention networks
    for document classification, 2016 (two levels); Martins and Astudillo, From softmax to
    sparsemax, 2016, equation 2; Goodfellow, Shlens and Szegedy, Explaining and harnessing
    adversarial examples, 2015, section 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_metaexplain import AttentionClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = AttentionClassifier(random_state=0).fit(X[::10], y[::10])
    >>> bool(classifier.score(X, y) > 0.9)
    True
    >>> classifier.explain(X[:2]).support["attention"].shape
    (2, 4)
    """

    _kind = "attention"
    _network: AttentionNetwork

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SelfExplainingClassifier._parameter_constraints,
        "attention": [StrOptions({"shared", "per_class"})],
        "gate": [StrOptions({"sigmoid", "sparsemax"})],
        "l1": [Interval(Real, 0, None, closed="left")],
        "groups_by": [Mapping, list, tuple, None],
        "adversarial_eps": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        attention: str = "shared",
        gate: str = "sigmoid",
        l1: float = 0.0,
        groups_by: Any = None,
        adversarial_eps: float = 0.0,
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
        self.attention = attention
        self.gate = gate
        self.l1 = l1
        self.groups_by = groups_by
        self.adversarial_eps = adversarial_eps

    def _objective(self) -> TableObjective:
        return AttentionObjective(self.l1, self.adversarial_eps)

    def _check_columns(self) -> None:
        for name in ("l1", "adversarial_eps"):
            if getattr(self, name) > 0 and self.max_epochs == 0:
                raise ValueError(
                    f"{name}={getattr(self, name)} is part of the training's loss and does nothing "
                    "with max_epochs=0; set max_epochs, say to 30."
                )
        self.__dict__.pop("group_names_", None)
        if self.groups_by is not None:
            self._groups = _resolve_groups(self.groups_by, self._attributed_names())
            self.group_names_ = self._groups.names

    def _prepare_network(self, network: SelfExplainingNetwork) -> None:
        assert isinstance(network, AttentionNetwork)
        network.attention, network.gate = self.attention, self.gate
        network.groups = None
        if self.groups_by is not None:
            parts, self._group_of_part = _split_groups(
                self._groups.player_of_column[self._encoder.source_], self._encoder.source_
            )
            network.groups = torch.from_numpy(parts).to(next(network.parameters()).device)

    def _learn(self, encoded: torch.Tensor, labels: np.ndarray, rng: np.random.RandomState) -> None:
        # Evidence is held against the shares among the rows read, and added to those of all rows.
        self._intercept = torch.from_numpy(self._shares).to(self._context.points.device).log()
        n_encoded, n_classes = encoded.shape[1], len(self.classes_)
        self._offset = torch.zeros(n_encoded, n_classes, dtype=self._intercept.dtype)

    def _embed_blocks(self, cells: CellBlocks) -> torch.Tensor:
        return cells.evidence.flatten(-2)

    def _gates(self, cells: CellBlocks) -> Gates:
        return self._network.gates(self._network.read_rows(self._context, cells), cells)

    def _contributions(self, cells: CellBlocks) -> torch.Tensor:
        said = self._network.contributions(cells, self._gates(cells))
        # Training may have given the one column that is read something to say.
        return torch.zeros_like(said) if self._encoder.is_constant_ else said

    def _support(self, encoded: torch.Tensor) -> dict[str, Any]:
        if self._network.groups is None:
            columns = self._in_chunks(lambda cells: self._gates(cells).columns, encoded)
            return {"attention": self._weights_by_feature(columns)}
        columns, groups, within = self._in_chunks(lambda cells: tuple(self._gates(cells)), encoded)
        n_groups = len(self.group_names_)
        n_parts = np.maximum(np.bincount(self._group_of_part, minlength=n_groups), 1)[:, None]
        sums = add_up_columns(groups, self._group_of_part, n_groups)
        if self._encoder.is_constant_:
            sums = np.zeros_like(sums)
        if self._network.gate == "sigmoid":
            sums /= n_parts
            in_group = self._weights_by_feature(within)
        else:
            # Numbers that are parts of their own have weight 1 within, each of them.
            shares = self._by_feature(within) / n_parts[self._groups.player_of_column]
            in_group = self._drop_shared(shares)
        return {
            "attention": self._weights_by_feature(columns),
            "group_attention": self._drop_shared(sums),
            "attention_in_group": in_group,
        }

    def _weights_by_feature(self, weights: np.ndarray) -> np.ndarray:
        """Of a column that is read as several numbers, what its weight is."""
        merged = self._by_feature(weights)
        if self._network.gate == "sigmoid":
            counts = np.bincount(self._encoder.source_, minlength=self.n_features_in_)
            merged = merged / np.maximum(counts, 1)[:, None]
        return self._drop_shared(merged)

    def _drop_shared(self, weights: np.ndarray) -> np.ndarray:
        return weights[..., 0] if self._network.attention == "shared" else weights


def _split_groups(groups: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the groups that the network is told of, and say which group each is part of.

    Groups of which every column is constant are none to it. A column that is alone in its group
    and read as several numbers keeps a gate for each of them, as it has without groups.
    """
    pairs = np.unique(np.column_stack([groups, source]), axis=0)
    is_alone = np.bincount(pairs[:, 0])[groups] == 1
    own = groups.max() + 1 + np.arange(len(groups))
    _, first, parts = np.unique(
        np.where(is_alone, own, groups), return_index=True, return_inverse=True
    )
    return parts, groups[first]


def _resolve_groups(groups_by: Any, names: np.ndarray) -> Players:
    try:
        return resolve_feature_groups(groups_by, names)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("feature_groups", "groups_by")) from error
