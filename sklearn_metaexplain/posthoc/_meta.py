"""The flagship: Shapley values from meta-trained surrogates."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._progress import stage
from sklearn_metaexplain.nets._checkpoint import REGISTRY, load_pretrained
from sklearn_metaexplain.nets._device import check_device
from sklearn_metaexplain.posthoc._base import PosthocExplainer
from sklearn_metaexplain.posthoc._budget import refuse_asking, resolve_budget, resolve_tol
from sklearn_metaexplain.posthoc._fast import Student
from sklearn_metaexplain.posthoc._promise import Goal
from sklearn_metaexplain.posthoc._proposal import KernelProposal, Training, load_weights
from sklearn_metaexplain.posthoc._row_values import explain_asking, explain_unasked
from sklearn_metaexplain.posthoc._self_error import (
    calibration_of,
    n_rows_judged,
    quantiles_of,
    task_evidence,
    warn_if_large,
)
from sklearn_metaexplain.posthoc._support import Support, ask_support, check_n_support
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._error import estimate_error
from sklearn_metaexplain.tasks._off_prior import warn_if_off_prior

_SMALL_ERROR = 0.01


class MetaExplainer(PosthocExplainer):
    """Shapley values of any model, amortised by meta-trained networks.

    `fit` asks the model about `n_support` hybrid rows, some columns of which come from a row of
    `X` and the others from a background row; the later half of them is chosen where surrogates of
    the first disagree. A network trained across thousands of tables and models reads the answers
    and proposes the kernel of a Gaussian process; the process, boosted trees and small
    networks are stacked, their interventional Shapley values are combined, and a second
    meta-trained network corrects them. Explaining a row then costs the
    model nothing but the row's own prediction, or `budget` further evaluations that sharpen the
    answer.

    Parameters
    ----------
    estimator : estimator
        The model: any classifier or regressor, or a Pipeline that ends in one. It is cloned and
        fitted; a fitted one that must stay as it is is passed as ``FrozenEstimator(model)``.
        Predictive cross-validation of a frozen model is not out of sample; only scores of its
        explanations mean anything.
    background : int or table of shape (n_background, n_features), default=100
        Rows whose values stand for columns that are left out: a number of rows drawn from `X`
        without replacement (all of them if there are fewer), or the rows.
    n_support : int, default=2048
        Rows that `fit` asks the model about, the background included.
    n_rounds : int, default=2
        Rounds in which it asks about them. Those of the first are drawn, those of later ones
        chosen where quick surrogates of the answers so far disagree; in between, columns that the
        model never reads are looked for. 1 saves the time of both, and where each call of the
        model is dear, calls; rounds have at least 64 rows. Intervals are calibrated for 2.
    budget : int, default=0
        Rows that `explain` may ask the model about for each explained row, beyond the row's own
        prediction. From ``(2**n_players - 2) * n_background`` the values are exact, and earlier
        for rows that share cells with background rows. Each row is asked what is expected to tell
        most about it.
    tol : float, default=None
        Spend on each row only as much of `budget` as brings its expected squared error down to
        `tol` times the squared size of its values. None: spend all of it.
    speed : {"default", "fast"}, default="default"
        "fast": trees learn at fit what the surrogates say of many hybrid rows, and explain rows by
        looking up tables; `student_error_` says how far their values are from those of the
        default. There is no correction, `std` is the same for all rows, and no `budget`.
    output : {"auto", "probability", "log_odds", "raw"}, default="auto"
        What is explained. "auto": probabilities where there is `predict_proba`, else "raw".
    feature_groups : mapping or list of lists, default=None
        Columns, by name or position, that move together and are explained as one player.
    pretrained : str, path or None, default="default"
        Networks: the name of shipped weights, or a file written by
        ``python -m sklearn_metaexplain.training train`` or by `MetaTrainer`. Where that says that
        the kernel network learns by inner steps, they are taken on this task's evaluations. Of
        a file that is not calibrated, `shapley_error_` and `tol` go by the error that `std`
        expects, as it stands, and `interval` takes errors for Gaussian. None uses no network that
        was trained on other tasks: the kernel comes from a likelihood search (or, with
        `max_epochs`, from a network trained on this task alone) and nothing is corrected. The
        error is told by figures of the search, which were found as those of the weights.
    max_epochs : int, default=0
        Most epochs for which the kernel network is adapted to this task's own evaluations.
    lr : float, default=1e-3
        Learning rate of the adaptation.
    callbacks : list of skorch callbacks, default=None
        For the adaptation.
    device : str, default="cpu"
        Where the meta-trained networks run. What is fitted to the task stays on the CPU.
    batch_size : int, default=10_000
        Largest number of rows passed to the model at once.
    n_jobs : int, default=None
        Threads that ask the model, fit the surrogates and explain; nothing depends on it but the
        time.
    random_state : int, RandomState or None, default=None
        Seed of the background, the hybrids and the adaptation; not passed to `estimator`.
    verbose : int, default=0
        Progress bars if positive.

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
    n_evaluations_ : int
        Rows that `fit` asked the model about, `n_support`.
    dummies_ : ndarray of bool of shape (n_attributed,)
        Columns, or groups, that changed no output when they were replaced in some of the evaluated
        hybrids. They are taken not to be used by the model, and get nothing. None is looked for
        with ``n_rounds=1``, with a first round of less than 64 hybrids besides, or where two
        replacements of each and 72 of all would take more than a quarter of the evaluations.
    shapley_error_ : float
        Estimate, from held-out evaluations, of the squared error of the values over their squared
        size, at ``budget=0`` (0 where `budget` makes them exact).
    shapley_error_se_ : float
        Standard error of `shapley_error_`.
    student_error_ : float
        With ``speed="fast"``: squared distance of the trees' values from the surrogates' over the
        squared size of these, on rows of `X`. It is part of `shapley_error_`.
    learner_ : Learner or None
        What took inner steps on the evaluations before any other training of the kernel network.
        None: the weights read a task in context.
    net_ : EpisodicNet
        The skorch net that was adapted; only with ``max_epochs > 0``.

    See Also
    --------
    ShapExplainer : The same values from the shap library, row by row.
    LimeExplainer : Local linear explanations from the lime library.

    References
    ----------
    Lundberg and Lee, A unified approach to interpreting model predictions, 2017; Janzing,
    Minorics and Bloebaum, Feature relevance quantification in explainable AI: a causal problem,
    2020 (interventional value function).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_metaexplain import MetaExplainer
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(random_state=0)
    >>> explainer = MetaExplainer(forest, n_support=512, random_state=0).fit(X, y)
    >>> explanation = explainer.explain(X[:5])
    >>> explanation.values.shape
    (5, 4, 3)
    >>> bool(abs(explanation.residual).max() < 1e-6)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **PosthocExplainer._parameter_constraints,
        "n_support": [Interval(Integral, 1, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "budget": [Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither"), None],
        "speed": [StrOptions({"default", "fast"})],
        "pretrained": [str, PathLike, None],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "callbacks": [list, None],
        "device": [str],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        background: Any = 100,
        n_support: int = 2048,
        n_rounds: int = 2,
        budget: int = 0,
        tol: float | None = None,
        speed: str = "default",
        output: str = "auto",
        feature_groups: Any = None,
        pretrained: str | PathLike | None = "default",
        max_epochs: int = 0,
        lr: float = 1e-3,
        callbacks: list[Any] | None = None,
        device: str = "cpu",
        batch_size: int = 10_000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            background=background,
            output=output,
            feature_groups=feature_groups,
            batch_size=batch_size,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_support = n_support
        self.n_rounds = n_rounds
        self.budget = budget
        self.tol = tol
        self.speed = speed
        self.pretrained = pretrained
        self.max_epochs = max_epochs
        self.lr = lr
        self.callbacks = callbacks
        self.device = device

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> MetaExplainer:
        """Fit a clone of `estimator`, ask it about hybrid rows, and learn to explain.

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
        self : MetaExplainer
            Fitted explainer.

        Raises
        ------
        TypeError
            If the model lacks the method that `output` needs.
        ValueError
            Before the model is fitted: if `X` holds infinite values, `background` has other
            columns than `X`, `n_support` is too small for the background, `device` or `pretrained`
            cannot be used, there is a `tol` without a `budget`, or either with ``speed="fast"``.
            After that: if the model returns NaN or outputs of a wrong shape.

        Warns
        -----
        LargeErrorWarning
            If attributions without a budget are expected to be of little use.
        OffPriorWarning
            If the model is unlike those that the networks were trained on.
        """
        super().fit(X, y, **fit_params)
        return self

    def explain(
        self, X: Any, *, budget: int | None = None, tol: float | None = None
    ) -> Explanation:
        """Attribute the model's outputs to the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Rows to explain.
        budget : int, default=None
            Evaluations of the model for each row, beyond the row's own prediction. None: the
            parameter `budget`.
        tol : float, default=None
            Spend on each row only what brings its expected squared error down to `tol` times the
            squared size of its values; `n_evaluations` says what was spent. None: the parameter
            `tol`, or no tolerance with ``budget=0``.

        Returns
        -------
        explanation : Explanation
            `std` is the standard deviation of the error of the values; `interval` has calibrated
            multiples of it, others for rows on which evaluations were spent than for those on
            which none were.

        Raises
        ------
        NotFittedError
            If the explainer is not fitted.
        ValueError
            If `X` has other columns than in `fit`, infinite values, `budget` is negative, or there
            is a `tol` without a budget.

        Warns
        -----
        ToleranceWarning
            If the expected error of some rows is still above `tol`.
        """
        return super().explain(X, budget=budget, tol=tol)

    def _check_params(self) -> None:
        super()._check_params()
        check_device(self.device)
        if self.speed == "fast":
            refuse_asking(self.budget, self.tol)
        resolve_tol(self.tol, None, self.budget)
        check_n_support(self.n_support, self.background_.shape[0])
        if self.pretrained is not None and str(self.pretrained) not in REGISTRY:
            # Refuses a file that is none of its own; shipped ones have a registered sha256.
            load_pretrained(self.pretrained)

    def _fit_explainer(self, X: Any) -> None:
        device = check_device(self.device)
        weights = load_weights(self.pretrained)
        pretrained = None if weights is None else weights.networks
        self._calibration_ = calibration_of(pretrained)
        model = self._masked_model_
        rng = np.random.RandomState(self._seed_)
        # One seed for all rows that will be explained: each is asked the same questions.
        self._row_seed_ = int(rng.randint(np.iinfo(np.int32).max))
        with stage("ask the model", verbose=self.verbose):
            support = ask_support(model, X, self.n_support, rng, n_rounds=self.n_rounds)
        self.n_evaluations_ = support.n_evaluations
        self._encoder_ = support.encoder
        self.dummies_ = support.dummies
        players = torch.from_numpy(model.players.player_of_column[support.encoder.source_])
        for name in ("net_", "student_error_", "_student_"):
            self.__dict__.pop(name, None)
        propose = KernelProposal(
            weights, players, model.n_players, device=device, training=self._training()
        )
        with stage("fit the surrogates", verbose=self.verbose):
            self._surrogate_ = TaskSurrogate(
                players,
                model.n_players,
                pretrained=pretrained,
                device=device,
                probabilities=model.output == "probability",
                n_rows=X.shape[0],
            ).fit(
                *support.shuffled(rng),
                torch.from_numpy(support.background),
                torch.from_numpy(model.background_outputs.mean(0)),
                propose=propose,
                n_jobs=self.n_jobs,
            )
        self.learner_ = propose.learner
        if propose.net is not None:
            self.net_ = propose.net
        with stage("estimate the error", verbose=self.verbose):
            self._estimate_own_error(support, X, rng)
        # A model unlike all others does no harm where its held-out evaluations are told.
        if pretrained is not None and self.shapley_error_ > _SMALL_ERROR:
            warn_if_off_prior(*support.drawn(), seed=self._row_seed_)

    def _training(self) -> Training | None:
        if self.max_epochs == 0:
            return None
        return Training(
            max_epochs=self.max_epochs,
            lr=self.lr,
            callbacks=self.callbacks,
            start_seed=self._seed_,
            seed=self._row_seed_,
            verbose=self.verbose,
        )

    def _estimate_own_error(self, support: Support, X: Any, rng: np.random.RandomState) -> None:
        rows = support.whole_rows(n_rows_judged(self._masked_model_.n_background))
        self._evidence_ = task_evidence(self._surrogate_, *rows)
        error, standard_error = estimate_error(self._evidence_, self._calibration_.get("task"))
        if self.speed == "fast":
            self._student_ = Student(self._surrogate_).fit(
                self._encode(X), *rows, rng, n_jobs=self.n_jobs
            )
            self.student_error_ = self._student_.error_
            error += self.student_error_
        elif self.tol is None and self.budget >= self._n_hybrids():
            error = standard_error = 0.0
        self.shapley_error_, self.shapley_error_se_ = error, standard_error
        warn_if_large(
            "Attributions without a budget",
            error,
            f"{self._evidence_['residual']:.0%} of the variance of the model's "
            "outputs is missed in evaluations held out. Raise n_support, ask about each explained "
            "row (budget=), or group columns that belong together (feature_groups=).",
        )

    def _encode(self, X: Any) -> torch.Tensor:
        return torch.from_numpy(self._encoder_.encode(self._encoder_.code(X)))

    def _n_hybrids(self) -> int:
        """Most hybrids of a row: with as many evaluations its values are exact."""
        model = self._masked_model_
        return (2**model.n_players - 2) * model.n_background

    def _explain(
        self, X: Any, *, budget: int | None = None, tol: float | None = None
    ) -> Explanation:
        # Who asks for no evaluations asks for no tolerance.
        own_tol = None if budget == 0 else self.tol
        budget = resolve_budget(budget, self.budget, least=0)
        assert budget is not None
        if hasattr(self, "_student_"):
            refuse_asking(budget, tol)
        tol = resolve_tol(tol, own_tol, budget)
        model = self._masked_model_
        predictions = model.predict(X)
        rows = (self._encode(X), torch.from_numpy(predictions))
        if budget == 0:
            values, std = explain_unasked(
                model,
                getattr(self, "_student_", self._surrogate_),
                X,
                *rows,
                dummies=self.dummies_,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
            n_evaluations = np.zeros(len(predictions), dtype=int)
        else:
            values, std, n_evaluations = explain_asking(
                model,
                self._surrogate_,
                X,
                *rows,
                dummies=self.dummies_,
                budget=budget,
                goal=self._make_goal(tol),
                seed=self._row_seed_,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
            )
        return self._assemble(
            X,
            values,
            predictions,
            model.background_outputs.mean(0),
            std=std,
            std_quantiles=quantiles_of(
                self._calibration_,
                n_evaluations > 0,
                categories=self._encoder_.has_categories,
            ),
            n_evaluations=n_evaluations,
        )

    def _make_goal(self, tol: float | None) -> Goal | None:
        if tol is None:
            return None
        return Goal(tol, self._evidence_, self._calibration_)
