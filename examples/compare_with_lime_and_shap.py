"""The same model explained by three libraries, with one contract.

Truth is known: with seven columns, all coalitions can be enumerated. Shapley values are judged by
their relative squared error; LIME's coefficients are no Shapley values and have none. Faithfulness
can be asked of all three.
"""

from time import perf_counter

import pandas as pd
from explain_a_pipeline import make_model
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from sklearn_metaexplain import LimeExplainer, MetaExplainer, ShapExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.metrics import get_explanation_scorer, shapley_error

N_COLUMNS, N_BACKGROUND = 7, 25
# Enough for MetaExplainer to enumerate: every coalition on every background row.
ENUMERATE = (2**N_COLUMNS - 2) * N_BACKGROUND


def main(n_rows=20):
    """Explain some rows with each, and print what it cost and how good it was."""
    X, y = load_penguins(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(X, y, stratify=y, random_state=0)
    # One fitted model and one background for all.
    model = FrozenEstimator(make_model().fit(X_train, y_train))
    shared = {"background": X_train.sample(N_BACKGROUND, random_state=0), "random_state": 0}
    explainers = {
        "MetaExplainer": MetaExplainer(model, **shared),
        "MetaExplainer, 100 a row": MetaExplainer(model, budget=100, **shared),
        "ShapExplainer, kernel": ShapExplainer(model, algorithm="kernel", budget=800, **shared),
        "ShapExplainer, permutation": ShapExplainer(
            model, algorithm="permutation", budget=800, **shared
        ),
        "LimeExplainer": LimeExplainer(model, **shared),
    }
    faithfulness = get_explanation_scorer("faithfulness")
    rows = X_test[:n_rows]
    truth = MetaExplainer(model, budget=ENUMERATE, **shared).fit(X_train).explain(rows)

    results = {}
    for name, explainer in explainers.items():
        start = perf_counter()
        explainer.fit(X_train)
        fitted = perf_counter()
        explanation = explainer.explain(rows)
        explained = perf_counter()
        error = shapley_error(truth, explanation) if explanation.additive else None
        results[name] = {
            "evaluations to fit": explainer.n_evaluations_,
            "for a row": explanation.n_evaluations.max(),
            "seconds to fit": round(fitted - start, 1),
            "seconds to explain": round(explained - fitted, 2),
            "relative error": "" if error is None else f"{error:.4f}",
            "faithfulness": round(faithfulness(explainer, X_test), 3),
        }
    print(f"{n_rows} penguins, {N_COLUMNS} columns, {N_BACKGROUND} background rows\n")
    print(pd.DataFrame(results).T.to_string())


if __name__ == "__main__":
    main()
