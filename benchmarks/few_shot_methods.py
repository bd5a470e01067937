"""Classifiers of the few-shot benchmark: the package's, and the usual ones with scaling."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from sklearn_metaexplain import AttentionClassifier, MatchingClassifier, PrototypeClassifier
from sklearn_metaexplain.nets._classifier_weights import load_classifier

META, SCRATCH, TRAINED = "meta-trained", "from scratch", "trained on the table"
#: From the meta-trained weights on, as many epochs as from scratch.
ADAPTED = "meta-trained and adapted"
USUAL = "usual"
#: How a method came about, as `--how` names it.
HOWS = (META, ADAPTED, SCRATCH, TRAINED, USUAL)
SCRATCH_EPOCHS, TABLE_EPOCHS = 100, 50
FOREST = "RandomForest"


class Kind(NamedTuple):
    """One of the package's classifiers with what it is asked for."""

    estimator: type
    weights: str  # its file, without the ending
    parameters: dict[str, Any]


KINDS = {
    "Prototype": Kind(PrototypeClassifier, "prototype", {}),
    "Matching, euclidean": Kind(MatchingClassifier, "matching", {"metric": "euclidean"}),
    "Matching, cosine": Kind(MatchingClassifier, "matching", {"metric": "cosine"}),
    "Attention, shared sigmoid": Kind(
        AttentionClassifier, "attention", {"attention": "shared", "gate": "sigmoid"}
    ),
    "Attention, per-class sparsemax": Kind(
        AttentionClassifier, "attention", {"attention": "per_class", "gate": "sparsemax"}
    ),
}
#: The two that the benchmark's aims are about.
METRIC_KINDS = tuple(name for name in KINDS if not name.startswith("Attention"))


def name_of(kind: str, how: str) -> str:
    """Name of one of `KINDS` as it was trained."""
    return f"{kind}, {how}"


def how_of(method: str) -> str:
    """The one out of `HOWS` that a method's name tells."""
    return next((how for how in HOWS[:-1] if method.endswith(f", {how}")), USUAL)


def pretrained_of(kind: str, folder: Path | None) -> str:
    """Weights of one of `KINDS`: the shipped ones, or a file of the folder."""
    return "default" if folder is None else str(folder / f"{KINDS[kind].weights}.safetensors")


def few_shot_methods(X: Any, seed: int, folder: Path | None = None) -> dict[str, Any]:
    """Make each of the package's classifiers in context, adapted and from scratch, and others.

    Parameters
    ----------
    X : {ndarray, DataFrame}
        The table, of which only the columns' types are looked at.
    seed : int
        Seed of all.
    folder : Path, default=None
        Where weights are; None: the shipped ones.
    """
    methods: dict[str, Any] = {}
    for name, kind in KINDS.items():
        pretrained = pretrained_of(name, folder)
        network, _ = load_classifier(pretrained, kind.weights)
        # From scratch means the same network, so it is as large as the meta-trained one.
        sizes = {size: network.encoder.config[size] for size in ("width", "n_heads", "n_layers")}
        given = {**kind.parameters, "random_state": seed}
        methods[name_of(name, META)] = kind.estimator(**given, pretrained=pretrained)
        methods[name_of(name, ADAPTED)] = kind.estimator(
            **given, pretrained=pretrained, max_epochs=SCRATCH_EPOCHS
        )
        methods[name_of(name, SCRATCH)] = kind.estimator(
            **given, **sizes, pretrained=None, max_epochs=SCRATCH_EPOCHS
        )
    return methods | usual_methods(X, seed)


def all_rows_methods(X: Any, seed: int, folder: Path | None = None) -> dict[str, Any]:
    """Make each of the package's classifiers in context and trained on, and the usual ones.

    Parameters
    ----------
    X, seed, folder
        As in `few_shot_methods`.
    """
    methods: dict[str, Any] = {}
    for name, kind in KINDS.items():
        given = {**kind.parameters, "pretrained": pretrained_of(name, folder), "random_state": seed}
        methods[name_of(name, META)] = kind.estimator(**given)
        methods[name_of(name, TRAINED)] = kind.estimator(**given, max_epochs=TABLE_EPOCHS)
    return methods | usual_methods(X, seed)


def usual_methods(X: Any, seed: int) -> dict[str, Any]:
    """scikit-learn's, as they come, behind scaling and what a mixed table needs."""
    return {
        "LogisticRegression": _prepared(LogisticRegression(max_iter=1000), X),
        "KNeighbors": _prepared(KNeighborsClassifier(), X),
        FOREST: _prepared(RandomForestClassifier(random_state=seed), X),
        "SVC": _prepared(SVC(random_state=seed), X),
    }


def _prepared(estimator: Any, X: Any) -> Any:
    if not isinstance(X, pd.DataFrame):
        return make_pipeline(StandardScaler(), estimator)
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    strings = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (strings, make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(columns, estimator)
