"""Shapley values of a model of which only logged outputs are known."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from sklearn_metaexplain._containers import match_container
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._fitted import CompleteFitMixin
from sklearn_metaexplain._progress import stage
from sklearn_metaexplain._validation import column_names, draw_seed
from sklearn_metaexplain.base import EstimatorTags, ExplainerMixin
from sklearn_metaexplain.masking import resolve_feature_groups
from sklearn_metaexplain.masking._mixer import RowPool
from sklearn_metaexplain.masking._outputs import sum_to_zero_over_classes
from sklearn_metaexplain.masking._players import players_that_can_matter
from sklearn_metaexplain.nets._device import check_device
from sklearn_metaexplain.posthoc._background import BACKGROUND, draw_background, given_background
from sklearn_metaexplain.posthoc._logged_outputs import LoggedOutputs
from sklearn_metaexplain.posthoc._logged_surrogate import LoggedSurrogate, logged_of
from sklearn_metaexplain.posthoc._self_error import warn_if_large

__all__ = ["LoggedExplainer"]

_LEAST_ROWS = 8


class LoggedExplainer(CompleteFitMixin, ExplainerMixin, RegressorMixin, BaseEstimator):
    """Shapley values from a table and a model's logged outputs, without the model.

    `fit` learns a surrogate of the model from rows and what the model said of them: a Gaussian
    process, whose kernel a meta-trained network proposes, and boosted trees, weighed by
    what each predicts out of fold. `explain` gives the surrogate's exact interventional Shapley
    values. These values ask what the output would be if some columns came from background rows;
    no such mixed row was logged, so the answers are guesses wherever columns depend on each
    other: where the model can be asked, `MetaExplainer` is to be preferred.

    Parameters
    ----------
    background : int or table of shape (n_background, n_features), default=100
        Rows whose values stand for columns that are left out: a number of rows drawn from `X`
        without replacement (all of them if there are fewer), or the rows, preferably of `X`, so
        that their outputs are known.
    n_support : int, default=2048
        Most logged rows that the surrogate is fitted to; of more rows a random sample of that
        size, drawn by `random_state`. A drawn background of no more rows is part of it.
    output : {"raw", "probability", "log_odds"}, default="raw"
        What the logged numbers are. "probability": a 1-D `y` is the probability of the second of
        two classes, and both are explained; a 2-D one has a column for each class. "log_odds":
        log(p / (1 - p)), with the same meaning of a 1-D `y`. "raw": anything else.
    feature_groups : mapping or list of lists, default=None
        Columns, by name or position, that move together and are explained as one player.
    pretrained : str, path or None, default="default"
        Networks that propose the kernel: the name of shipped weights, or a file. None: the kernel
        comes from a likelihood search.
    device : str, default="cpu"
        Where the network runs. The process and the trees stay on the CPU.
    n_jobs : int, default=None
        Threads that fit the surrogates and explain.
    random_state : int, RandomState or None, default=None
        Seed of the background and of the sample of logged rows.
    verbose : int, default=0
        Progress bars if positive.

    Attributes
    ----------
    background_ : {ndarray, CSR, DataFrame} of shape (n_background, n_features)
        The background.
    n_features_in_ : int
        Number of columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has string names.
    n_evaluations_ : int
        Rows that the model was asked about: 0.
    shapley_error_ : float
        Estimate of the squared error of the values over their squared size where outputs are not
        given. A guess from models of random tables: the log does not show this one off the data.
    shapley_error_se_ : float
        Standard error of `shapley_error_`.

    See Also
    --------
    MetaExplainer : Asks the model about mixed rows, and is far more exact.

    Notes
    -----
    Base values are mean outputs of the background: of rows drawn from `X` what was logged, of given
    ones the mean of what was logged of equal rows, and where nothing was, the surrogate's
    prediction. The surrogate is shifted so that its mean there is the same; it may leave [0, 1].
    1.645 `std` on either side hold 90% of the errors of models that were fitted to random tables,
    fewer where columns depend on each other more (``python -m sklearn_metaexplain.training
    calibrate-logged``, with ``--rows 8 63`` for logs of fewer than 64 rows).

    Examples
    --------
    A model is gone, its predictions were kept:

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metaexplain import LoggedExplainer
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> logged = LogisticRegression(max_iter=1000).fit(X, y).predict_proba(X)
    >>> explainer = LoggedExplainer(output="probability", random_state=0).fit(X, logged)
    >>> explainer.score(X, logged) > 0.99
    True
    >>> explanation = explainer.explain(X[:5], outputs=logged[:5])
    >>> explanation.values.shape
    (5, 4, 3)
    >>> bool(abs(explanation.residual).max() < 1e-6)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "background": BACKGROUND,
        "n_support": [Interval(Integral, _LEAST_ROWS, None, closed="left")],
        "output": [StrOptions({"raw", "probability", "log_odds"})],
        "feature_groups": [Mapping, list, tuple, None],
        "pretrained": [str, PathLike, None],
        "device": [str],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        background: Any = 100,
        n_support: int = 2048,
        output: str = "raw",
        feature_groups: Any = None,
        pretrained: str | PathLike | None = "default",
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.background = background
        self.n_support = n_support
        self.output = output
        self.feature_groups = feature_groups
        self.pretrained = pretrained
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> LoggedExplainer:
        """Learn a surrogate of the model from what it logged.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows that the model has seen: numbers, text, categories, dates, missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The outputs that it logged, not the true targets. The column labels of a DataFrame name
            them: with a column for each class, explanations have the classes' own labels.

        Returns
        -------
        self : LoggedExplainer
            Fitted explainer.

        Raises
        ------
        ValueError
            If there are fewer than 8 rows, `X` holds infinite values, `y` is not what `output`
            says, or `background` has other columns than `X`.

        Warns
        -----
        LargeErrorWarning
            If attributions are expected to be of little use.
        """
        # Whatever goes wrong from here on is not to be mixed with what an earlier fit has left.
        self._is_complete = False
        X = self._check_table(X, reset=True)
        check_device(self.device)
        logged = LoggedOutputs(y, self.output)
        outputs = logged.computed
        check_consistent_length(X, outputs)
        if (n_rows := X.shape[0]) < _LEAST_ROWS:
            raise ValueError(
                f"{type(self).__name__} needs at least {_LEAST_ROWS} logged rows; got n_samples="
                f"{n_rows}. Log the outputs of more rows, or ask the model by MetaExplainer."
            )
        # The background comes first, so that the sample holds it.
        order = draw_background(n_rows, n_rows, draw_seed(self.random_state))
        if isinstance(self.background, Integral):
            rows = order[: int(self.background)]
            self.background_ = _safe_indexing(X, rows)
            logged_background = outputs[rows]
        else:
            self.background_ = given_background(self, self.background, X)
            logged_background = logged_of(self.background_, X, outputs)
        sample = order[: self.n_support]
        names = column_names(self)
        self._first_row = _safe_indexing(X, [0])
        every_column = resolve_feature_groups(None, names)
        self._varied = players_that_can_matter(every_column, self._first_row, X).any(axis=0)
        self._logged_ = logged
        with stage("fit the surrogates", verbose=self.verbose):
            self._surrogate_ = LoggedSurrogate(
                resolve_feature_groups(self.feature_groups, names),
                logged,
                pretrained=self.pretrained,
                device=self.device,
            ).fit(
                _safe_indexing(X, sample),
                outputs[sample],
                self._as_logged(self.background_),
                logged_background,
                n_jobs=self.n_jobs,
            )
        logged.computed = outputs[:0].copy()  # the log is not kept
        self.n_evaluations_ = 0
        self.shapley_error_, self.shapley_error_se_ = self._surrogate_.error
        warn_if_large(
            "Attributions",
            self.shapley_error_,
            f"{len(sample)} logged rows tell little of this model. Log more of them (and raise "
            "n_support to their number), group columns that belong together (feature_groups=), or "
            "ask the model by MetaExplainer.",
        )
        self._is_complete = True
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the model's outputs by the surrogate.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        outputs : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the shape that `y` had in `fit`.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        return self._logged_.shape_as_logged(self._predict(X))

    def explain(self, X: Any, *, outputs: Any = None) -> Explanation:
        """Attribute the model's outputs to the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to explain.
        outputs : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            What the model logged for these rows: the surrogate is conditioned on it, and base
            values and attributions sum to it. None: they sum to what the surrogate predicts.

        Returns
        -------
        explanation : Explanation
            `std` is the standard deviation of the error of the values.

        Raises
        ------
        NotFittedError
            If the explainer is not fitted.
        ValueError
            If `X` has other columns than in `fit` or infinite values, or `outputs` are not what
            `y` was in `fit`.
        """
        return super().explain(X, outputs=outputs)

    def _explain(self, X: Any, *, outputs: Any = None) -> Explanation:
        logged, surrogate = self._logged_, self._surrogate_
        encoded = surrogate.encode(self._as_logged(X))
        given = None if outputs is None else logged.read(outputs, X.shape[0])
        predictions = surrogate.predict(encoded) if given is None else given
        differing = players_that_can_matter(surrogate.players, self.background_, X)
        columns = surrogate.players.player_of_column
        told = self._varied & surrogate.tells
        able = differing & (np.bincount(columns, told, differing.shape[1]) > 0)
        # What was logged of a row must go somewhere.
        able = np.where(able.any(axis=1, keepdims=True), able, differing)
        values, std = surrogate.explain(
            encoded, given, able, n_jobs=self.n_jobs, verbose=self.verbose
        )
        values, std = logged.expand_values(values), np.abs(logged.expand_values(std))
        predictions = logged.expand(predictions)
        base = np.broadcast_to(logged.expand(surrogate.base[None]), predictions.shape)
        if logged.output == "probability" and not logged.is_binary:
            values = sum_to_zero_over_classes(values, predictions, base, surrogate.moving)
        return Explanation(
            values,
            base,
            predictions,
            std=std,
            data=X,
            feature_names=self._attributed_names(),
            feature_of_column=columns if surrogate.players.are_grouped else None,
            output_names=logged.names,
            output=logged.output,
            n_evaluations=np.zeros(len(values), dtype=int),
            estimator_type="classifier" if logged.is_classes else "regressor",
        )

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        X = super()._check_table(X, reset=reset)
        return X if reset else match_container(X, self.background_)

    def _attributed_names(self, input_features: Any = None) -> np.ndarray:
        columns = column_names(self, input_features)
        return self._surrogate_.players.names_for(columns)

    def _outputs_of(self, X: Any) -> np.ndarray:
        """What the surrogate says of rows of the kind of `background_`: (n_samples, n_outputs)."""
        return self._logged_.expand(self._predict(X))

    def _predict(self, X: Any) -> np.ndarray:
        return self._surrogate_.predict(self._surrogate_.encode(self._as_logged(X)))

    def _as_logged(self, X: Any) -> Any:
        """Rows with the log's own value in columns in which it has no other."""
        if self._varied.all():
            return X
        positions = np.arange(1, X.shape[0] + 1)[:, None]
        return RowPool(self._first_row, X).take(np.where(self._varied, positions, 0))

    def _explained_outputs(self) -> np.ndarray:
        return self._logged_.names

    def _is_binary(self, n_outputs: int) -> bool:
        return n_outputs == 2 and self._logged_.is_binary

    def __sklearn_tags__(self) -> EstimatorTags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        for kind in ("sparse", "allow_nan", "string", "categorical"):
            setattr(tags.input_tags, kind, True)
        return tags
