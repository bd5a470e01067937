"""What all explainers around another estimator share."""

from abc import abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _fit_context, clone, is_regressor
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_metaexplain._containers import match_container
from sklearn_metaexplain._culprits import name_culprit
from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._fitted import CompleteFitMixin
from sklearn_metaexplain._progress import stage
from sklearn_metaexplain._rows import copy_rows
from sklearn_metaexplain._validation import check_table, column_names, draw_seed
from sklearn_metaexplain.base import EstimatorTags, ExplainerMixin
from sklearn_metaexplain.masking import MaskedModel, resolve_feature_groups
from sklearn_metaexplain.masking._outputs import (
    column_labels,
    must_be_classifier_or_regressor,
    resolve_output,
    sum_to_zero_over_classes,
)
from sklearn_metaexplain.posthoc._background import (
    BACKGROUND,
    draw_background,
    given_background,
)
from sklearn_metaexplain.posthoc._delegation import DelegationMixin

__all__ = ["PosthocExplainer"]


class PosthocExplainer(
    CompleteFitMixin, DelegationMixin, ExplainerMixin, MetaEstimatorMixin, BaseEstimator
):
    """Base of explainers that wrap any classifier or regressor.

    A subclass declares its own parameters, learns what it needs in `_fit_explainer`, and writes
    `_explain`. Both find the model on its background in ``self._masked_model_`` and a seed for
    everything they draw in ``self._seed_``.

    Parameters
    ----------
    estimator : estimator
        The model. It is cloned and fitted; a fitted one that must stay as it is is passed as
        ``FrozenEstimator(model)``. Predictive cross-validation of a frozen model is not out of
        sample; only scores of its explanations mean anything.
    background : int or table of shape (n_background, n_features), default=100
        Rows whose values stand for columns that are left out: a number of rows drawn from `X`
        without replacement (all of them if there are fewer), or the rows.
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What is explained. "auto": probabilities where there is `predict_proba`, else "raw".
    feature_groups : mapping or list of lists, default=None
        Columns, by name or position, that move together and are explained as one.
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once.
    n_jobs : int, default=None
        Threads that ask the model.
    random_state : int, RandomState or None, default=None
        Seed of the explainer's own draws; it is not passed to `estimator`.
    verbose : int, default=0
        Verbosity.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    background_ : {ndarray, CSR, DataFrame} of shape (n_background, n_features)
        The background.
    classes_ : ndarray of shape (n_classes,)
        The model's classes, where it is a classifier.
    n_features_in_ : int
        Number of columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where `X` has string names.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [HasMethods("fit")],
        "background": BACKGROUND,
        "output": [StrOptions({"auto", "probability", "log_odds", "raw"})],
        "feature_groups": [Mapping, list, tuple, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        background: Any = 100,
        output: str = "auto",
        feature_groups: Any = None,
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.background = background
        self.output = output
        self.feature_groups = feature_groups
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # `estimator` is validated by its own fit.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "PosthocExplainer":
        """Fit a clone of `estimator`, draw the background, and learn to explain.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training rows, as `estimator` takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets; needed where `estimator` needs them. The columns of a DataFrame name a
            regressor's outputs in explanations.
        **fit_params : dict
            Passed to the `fit` of `estimator`, or routed to it if metadata routing is enabled.

        Returns
        -------
        self : object
            Fitted explainer.

        Raises
        ------
        TypeError
            If the model is no classifier or regressor, or lacks the method that `output` needs.
        ValueError
            If `X` holds infinite values, `background` has other columns than `X`, or the model
            returns NaN or outputs of a wrong shape.
        """
        # Whatever goes wrong from here on is not to be mixed with what an earlier fit has left.
        self._is_complete = False
        must_be_classifier_or_regressor(self.estimator)
        X = self._check_table(X, reset=True)
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        # A generator of the user's is advanced once, whatever a subclass goes on to draw.
        self._seed_ = draw_seed(self.random_state)
        self.background_ = self._make_background(X)
        self._check_params()
        try:
            with stage(f"fit {type(self.estimator).__name__}", verbose=self.verbose):
                # Rows are read again below, and a model may be told to write over them.
                self.estimator_ = clone(self.estimator).fit(copy_rows(X), y, **fit_params)
            self._masked_model_ = MaskedModel(
                self.estimator_,
                self.background_,
                output=self.output,
                feature_groups=self.feature_groups,
                feature_names=column_names(self),
                target_names=column_labels(y),
                batch_size=self.batch_size,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
        except (TypeError, ValueError) as error:
            # What the model stumbles over may be in a background of the user's alone.
            for table in (X, self.background_):
                culprit = name_culprit(error, table, self.estimator, y)
                if culprit is not error:
                    raise culprit from error
            raise
        self._fit_explainer(X)
        self._is_complete = True
        return self

    def _check_params(self) -> None:
        """Check parameters together, once `background_` is there and before the model is fitted.

        A subclass refuses here what it can, rather than after the time that the model takes, and
        calls this method too.
        """
        resolve_feature_groups(self.feature_groups, column_names(self))
        if is_regressor(self.estimator) and self.output in ("probability", "log_odds"):
            resolve_output(self.estimator, self.output, classifier=False)  # refuses it

    def _fit_explainer(self, X: Any) -> None:
        """Learn what `_explain` needs; nothing unless a subclass overrides it.

        Parameters
        ----------
        X : {ndarray, CSR, DataFrame} of shape (n_samples, n_features)
            Training rows.
        """

    @abstractmethod
    def _explain(self, X: Any, *args: Any, **kwargs: Any) -> Explanation:
        """Explain rows of the same kind of table as `background_`."""

    def get_metadata_routing(self) -> MetadataRouter:
        """Metadata routing: what `fit` and `score` pass on to the model.

        Returns
        -------
        routing : MetadataRouter
            See scikit-learn's user guide on metadata routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="score", callee="score")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> EstimatorTags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        # Not `_skip_test`: that of a FrozenEstimator would silence every check.
        for name in (
            "estimator_type",
            "target_tags",
            "classifier_tags",
            "regressor_tags",
            "input_tags",
            "non_deterministic",
        ):
            setattr(tags, name, deepcopy(getattr(inner, name)))
        if tags.classifier_tags is not None:  # several classification targets are refused
            tags.classifier_tags.multi_label = False
            tags.target_tags.multi_output = False
        return tags

    def _make_background(self, X: Any) -> Any:
        if isinstance(self.background, Integral):
            rows = draw_background(int(self.background), X.shape[0], self._seed_)
            return _safe_indexing(X, rows)
        return given_background(self, self.background, X)

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        # Sparse matrices and missing values are for the model to accept or refuse: the tags of a
        # Pipeline that imputes or encodes some columns do not tell.
        X = check_table(self, X, reset=reset)
        return X if reset else match_container(X, self.background_)

    def _attributed_names(self, input_features: Any = None) -> np.ndarray:
        columns = column_names(self, input_features)
        return self._masked_model_.players.names_for(columns)

    def _outputs_of(self, X: Any) -> np.ndarray:
        """What is explained, of rows of the kind of `background_`: (n_samples, n_outputs)."""
        return self._masked_model_.expand_outputs(self._masked_model_.predict(X))

    def _explained_outputs(self) -> np.ndarray:
        return self._masked_model_.output_names

    def _assemble(
        self,
        X: Any,
        values: np.ndarray,
        predictions: np.ndarray,
        base: np.ndarray,
        *,
        std: np.ndarray | None = None,
        std_quantiles: np.ndarray | None = None,
        n_evaluations: int | np.ndarray,
        support: Mapping[str, Any] | None = None,
        value_function: str = "interventional",
    ) -> Explanation:
        """Make the Explanation of all outputs from those that were computed.

        Parameters
        ----------
        X : {ndarray, CSR, DataFrame} of shape (n_samples, n_features)
            The rows.
        values : ndarray of shape (n_samples, n_players, n_computed)
            Attributions.
        predictions : ndarray of shape (n_samples, n_computed)
            The model's outputs.
        base : ndarray of shape (n_computed,) or (n_samples, n_computed)
            Base values.
        std : ndarray of shape (n_samples, n_players, n_computed), default=None
            Standard deviations of the attributions' errors.
        std_quantiles : ndarray of shape (n_levels, 2) or (n_samples, n_levels, 2), default=None
            As in `Explanation`.
        n_evaluations : int or ndarray of int of shape (n_samples,)
            Rows that the model was asked for, beyond the rows themselves.
        support : mapping of str to array-like of shape (n_samples, ...), default=None
            What else there is to show of each row.
        value_function : str, default="interventional"
            What leaving out a column means.

        Returns
        -------
        explanation : Explanation
            With as many outputs as there are classes or targets.
        """
        model = self._masked_model_
        additive = get_tags(self).explainer_tags.additive
        values = model.expand_values(np.asarray(values, dtype=np.float64))
        predictions = model.expand_outputs(np.asarray(predictions, dtype=np.float64))
        base = model.expand_outputs(np.atleast_2d(np.asarray(base, dtype=np.float64)))
        base = np.broadcast_to(base, predictions.shape)
        if additive and model.output == "probability" and values.shape[2] > 2:
            values = sum_to_zero_over_classes(values, predictions, base)
        return Explanation(
            values,
            base,
            predictions,
            # Both outputs of a binary classifier err alike.
            std=None if std is None else np.abs(model.expand_values(np.asarray(std))),
            std_quantiles=std_quantiles,
            data=X,
            feature_names=self._attributed_names(),
            feature_of_column=model.players.player_of_column if model.players.are_grouped else None,
            output_names=model.output_names,
            output=model.output,
            value_function=value_function,
            n_evaluations=np.asarray(n_evaluations),
            additive=additive,
            support=support,
            labels=model.labels(X),
        )
