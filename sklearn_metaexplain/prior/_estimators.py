"""Unfitted scikit-learn estimators with random hyperparameters, quick to fit and to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    PolynomialFeatures,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_metaexplain.prior._hyperparameters import (
    Problem,
    adaptive_options,
    boosting_options,
    forest_options,
    histogram_options,
    log_uniform,
    neighbour_options,
    network_options,
    or_default,
    pick,
    seed,
    tree_options,
    vector_options,
)

Builder = Callable[[np.random.Generator, Problem], BaseEstimator]


def _scaled(rng: np.random.Generator, estimator: BaseEstimator) -> BaseEstimator:
    scaler: BaseEstimator = StandardScaler()
    if rng.random() < 0.12:
        scaler = QuantileTransformer(
            n_quantiles=50, output_distribution="normal", random_state=seed(rng)
        )
    return make_pipeline(scaler, estimator)


def _expanded(
    rng: np.random.Generator, problem: Problem, estimator: BaseEstimator
) -> BaseEstimator:
    """A linear model on polynomials or splines of the columns."""
    if rng.random() < 0.3:
        spline = SplineTransformer(n_knots=int(rng.integers(3, 7)), extrapolation="linear")
        return make_pipeline(StandardScaler(), spline, estimator)
    most = 3 if problem.n_columns <= 8 else 2
    polynomial = PolynomialFeatures(
        degree=int(rng.integers(2, most + 1)),
        interaction_only=bool(rng.random() < 0.3),
        include_bias=False,
    )
    return make_pipeline(StandardScaler(), polynomial, StandardScaler(), estimator)


def _calibrated(rng: np.random.Generator, estimator: BaseEstimator) -> BaseEstimator:
    return CalibratedClassifierCV(
        estimator,
        method=pick(rng, "sigmoid", "isotonic"),
        cv=pick(rng, 2, 3),
        ensemble=bool(rng.random() < 0.25),
        n_jobs=1,
    )


def _logistic(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    logistic = LogisticRegression(C=log_uniform(rng, 0.01, 100), max_iter=100)
    return _expanded(rng, problem, logistic) if rng.random() < 0.4 else _scaled(rng, logistic)


def _ridge(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    ridge = Ridge(alpha=log_uniform(rng, 0.01, 300))
    return _expanded(rng, problem, ridge) if rng.random() < 0.8 else _scaled(rng, ridge)


def _vector_classifier(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    return _scaled(
        rng, _calibrated(rng, SVC(**or_default(rng, vector_options(rng)), random_state=seed(rng)))
    )


def _vector_regressor(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    machine = SVR(**or_default(rng, vector_options(rng)))
    # Not a parameter of a regressor, yet without it fit draws from numpy's global generator.
    machine.random_state = seed(rng)
    return _scaled(rng, machine)


def _naive_bayes(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    bayes = GaussianNB(var_smoothing=log_uniform(rng, 1e-9, 1e-2))
    return _calibrated(rng, bayes) if rng.random() < 0.2 else bayes


def _linear_discriminant(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    # Shrinkage copes with columns that duplicate others.
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=pick(rng, "auto", 0.05, 0.5))


def _quadratic_discriminant(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    return _scaled(rng, QuadraticDiscriminantAnalysis(reg_param=log_uniform(rng, 0.01, 0.6)))


def _voting(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    forest = RandomForestClassifier(**forest_options(rng) | {"n_estimators": 20})
    members = [
        ("forest", forest),
        ("logistic", _logistic(rng, problem)),
        ("bayes", _naive_bayes(rng, problem)),
    ]
    return VotingClassifier(members, voting="soft", weights=rng.dirichlet(np.ones(3)).tolist())


def _gaussian_process(rng: np.random.Generator, problem: Problem) -> BaseEstimator:
    length = np.sqrt(problem.n_columns) * log_uniform(rng, 0.5, 3.0)
    shape = pick(rng, RBF(length), Matern(length, nu=1.5), Matern(length, nu=0.5))
    noise = WhiteKernel(log_uniform(rng, 1e-3, 0.3))
    return _scaled(rng, GaussianProcessRegressor(shape + noise, optimizer=None, normalize_y=True))


def _plain(
    estimator: type[BaseEstimator], options: Callable[[np.random.Generator], dict[str, Any]]
) -> Builder:
    return lambda rng, problem: estimator(**or_default(rng, options(rng)))


def _sized(
    estimator: type[BaseEstimator],
    options: Callable[[np.random.Generator, Problem], dict[str, Any]],
) -> Builder:
    return lambda rng, problem: estimator(**or_default(rng, options(rng, problem)))


def _on_scaled(
    estimator: type[BaseEstimator], options: Callable[[np.random.Generator], dict[str, Any]]
) -> Builder:
    return lambda rng, problem: _scaled(rng, estimator(**or_default(rng, options(rng))))


#: Name of the final estimator -> builder.
CLASSIFIERS: dict[str, Builder] = {
    "RandomForestClassifier": _plain(RandomForestClassifier, forest_options),
    "ExtraTreesClassifier": _plain(ExtraTreesClassifier, forest_options),
    "GradientBoostingClassifier": _sized(GradientBoostingClassifier, boosting_options),
    "HistGradientBoostingClassifier": _sized(HistGradientBoostingClassifier, histogram_options),
    "AdaBoostClassifier": _plain(AdaBoostClassifier, adaptive_options),
    "DecisionTreeClassifier": _plain(DecisionTreeClassifier, tree_options),
    "LogisticRegression": _logistic,
    "SVC": _vector_classifier,
    "MLPClassifier": _on_scaled(MLPClassifier, network_options),
    "KNeighborsClassifier": _on_scaled(KNeighborsClassifier, neighbour_options),
    "GaussianNB": _naive_bayes,
    "LinearDiscriminantAnalysis": _linear_discriminant,
    "QuadraticDiscriminantAnalysis": _quadratic_discriminant,
    "VotingClassifier": _voting,
}
REGRESSORS: dict[str, Builder] = {
    "RandomForestRegressor": _plain(RandomForestRegressor, forest_options),
    "ExtraTreesRegressor": _plain(ExtraTreesRegressor, forest_options),
    "GradientBoostingRegressor": _sized(GradientBoostingRegressor, boosting_options),
    "HistGradientBoostingRegressor": _sized(HistGradientBoostingRegressor, histogram_options),
    "DecisionTreeRegressor": _plain(DecisionTreeRegressor, tree_options),
    "Ridge": _ridge,
    "SVR": _vector_regressor,
    "MLPRegressor": _on_scaled(MLPRegressor, network_options),
    "KNeighborsRegressor": _on_scaled(KNeighborsRegressor, neighbour_options),
    "GaussianProcessRegressor": _gaussian_process,
}
# Estimators that take missing cells themselves: always, or half of the time.
_ALWAYS_NATIVE = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_HALF_NATIVE = (
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "DecisionTreeClassifier",
    "RandomForestRegressor",
    "ExtraTreesRegressor",
    "DecisionTreeRegressor",
)


def sample_estimator(rng: np.random.Generator, name: str, problem: Problem) -> BaseEstimator:
    """Draw an unfitted estimator that takes tables with missing cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str
        Out of `CLASSIFIERS` or `REGRESSORS`.
    problem : Problem

    Returns
    -------
    estimator : estimator
        A pipeline with an imputer, unless the estimator takes missing cells itself.
    """
    estimator = (CLASSIFIERS | REGRESSORS)[name](rng, problem)
    if name in _ALWAYS_NATIVE or (name in _HALF_NATIVE and rng.random() < 0.5):
        return estimator
    imputer = SimpleImputer(
        strategy=pick(rng, "mean", "median", "most_frequent"),
        add_indicator=bool(rng.random() < 0.3),
    )
    return make_pipeline(imputer, estimator)
