"""Choose an explainer's settings by what they cost and how faithful they are.

`n_support` evaluations are spent once, by `fit`; `budget` evaluations are spent on each explained
row. Faithfulness is the correlation between what explanations say and what the model does when
columns are replaced, on rows that no candidate has seen.
"""

import pandas as pd
from explain_a_pipeline import make_model
from sklearn.model_selection import GridSearchCV

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.metrics import get_explanation_scorer


def main(n_support=(64, 256, 1024), budget=(0, 100)):
    """Search over the two ways to spend evaluations."""
    X, y = load_penguins(return_X_y=True)
    search = GridSearchCV(
        MetaExplainer(make_model(), background=25, random_state=0),
        {"n_support": list(n_support), "budget": list(budget)},
        scoring={"faithfulness": get_explanation_scorer("faithfulness"), "accuracy": "accuracy"},
        refit="faithfulness",
        cv=3,
    )
    search.fit(X, y)

    columns = {
        "param_n_support": "n_support",
        "param_budget": "budget",
        "mean_fit_time": "seconds to fit",
        "mean_test_faithfulness": "faithfulness",
        "mean_test_accuracy": "accuracy",
    }
    results = pd.DataFrame(search.cv_results_)[list(columns)].rename(columns=columns)
    print(results.sort_values("faithfulness").round(4).to_string(index=False))
    print(f"\nThe most faithful: {search.best_params_}; it explains the first three penguins:\n")
    print(search.best_estimator_.explain(X[:3]).to_frame("Adelie").round(3).to_string())


if __name__ == "__main__":
    main()
