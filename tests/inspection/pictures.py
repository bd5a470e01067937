"""Pictures whose look is kept: ``python -m tests.inspection.pictures`` draws the baselines again.

Look at what has changed before committing it.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from sklearn_metaexplain.inspection import (
    AdaptationDisplay,
    ALEDisplay,
    AttributionDisplay,
    BeeswarmDisplay,
    ComparisonDisplay,
    CurveDisplay,
    DependenceDisplay,
    EmbeddingDisplay,
    HeatmapDisplay,
    PrototypeDisplay,
    ScatterDisplay,
)
from tests.inspection.explanations import (
    SPECIES,
    binary_explanation,
    mixed_explanation,
    mixed_frame,
    wide_explanation,
)

BASELINES = Path(__file__).parent / "baseline"
DPI = 50


class SumOfColumns(LinearRegression):
    """A model of a mixed table: numbers count as they are, islands and missing ones by rule."""

    def fit(self, X, y=None):
        self.coef_, self.n_features_in_ = np.ones(X.shape[1]), X.shape[1]
        return self

    def predict(self, X):
        islands = X["island"].map({"Biscoe": 1.0, "Dream": -1.0}).fillna(0.0).to_numpy()
        bill, mass = X["bill"].fillna(45).to_numpy(), X["mass"].to_numpy(dtype=float)
        return np.sin(bill / 3) + islands * (mass - 4000) / 500 + bill * mass / 1e5


def fitted_sum():
    """The model and its table."""
    X = mixed_frame(60)
    return SumOfColumns().fit(X), X


def several_explanations():
    """Two explanations of the same rows."""
    one = mixed_explanation()
    other = mixed_explanation(std=None, n_evaluations=0)
    return {"MetaExplainer": one, "ShapExplainer": other}


def scores():
    """A table as compare_explainers returns it."""
    return pd.DataFrame(
        {
            "faithfulness": [0.93, 0.95, 0.02],
            "faithfulness_std": [0.01, 0.02, 0.1],
            "fit_time": [1.25, np.nan, 0.001],
            "n_evaluations_row": [0.0, 2100.0, 0.0],
        },
        index=["MetaExplainer", "ShapExplainer", "random"],
    )


HISTORY = [
    {
        "epoch": step,
        "train_loss": 0.2 + 2 / step,
        "valid_loss": 0.3 + 2 / step + 0.01 * step,
        "valid_loss_best": step < 14,
    }
    for step in range(1, 21)
]

FRACTIONS = np.linspace(0, 1, 6)


def prototypes(ax=None):
    """A row beside others; one of the weights is negative."""
    X = mixed_frame()
    weights = [0.5, 0.25, -0.15, 0.1, 0.02]
    return PrototypeDisplay.from_rows(X.iloc[[1]], X.iloc[10:15], weights=weights, X=X, ax=ax)


# Each draws on the axes that it is given.
ON_ONE_AXES = {
    "bar_of_a_row": lambda ax: AttributionDisplay.from_explanation(mixed_explanation()[0], ax=ax),
    "bar_of_a_row_three_classes": lambda ax: AttributionDisplay.from_explanation(
        mixed_explanation()[1], output=SPECIES, ax=ax
    ),
    "bar_of_all_rows": lambda ax: AttributionDisplay.from_explanation(mixed_explanation(), ax=ax),
    "bar_of_40_columns_7_classes": lambda ax: AttributionDisplay.from_explanation(
        wide_explanation(), output=list("ABCDEFG"), max_display=8, ax=ax
    ),
    "waterfall": lambda ax: AttributionDisplay.from_explanation(
        binary_explanation()[0], kind="waterfall", ax=ax
    ),
    "waterfall_of_40_columns": lambda ax: AttributionDisplay.from_explanation(
        wide_explanation()[0], kind="waterfall", max_display=8, ax=ax
    ),
    "beeswarm": lambda ax: BeeswarmDisplay.from_explanation(binary_explanation(80), ax=ax),
    "beeswarm_of_40_columns": lambda ax: BeeswarmDisplay.from_explanation(
        wide_explanation(), output="C", max_display=8, ax=ax
    ),
    "heatmap": lambda ax: HeatmapDisplay.from_explanation(binary_explanation(15), ax=ax),
    "heatmap_of_40_columns": lambda ax: HeatmapDisplay.from_explanation(
        wide_explanation(), output="A", max_display=8, ax=ax
    ),
    "dependence_on_numbers": lambda ax: DependenceDisplay.from_explanation(
        binary_explanation(80), "bill", color_by="island", ax=ax
    ),
    "dependence_on_categories": lambda ax: DependenceDisplay.from_explanation(
        mixed_explanation(80), "island", output=SPECIES, ax=ax
    ),
    "dependence_on_dates": lambda ax: DependenceDisplay.from_explanation(
        binary_explanation(80), "seen", color_by="bill", ax=ax
    ),
    "scatter": lambda ax: ScatterDisplay.from_explanation(
        binary_explanation(80), ("bill", "island"), ax=ax
    ),
    "embedding": lambda ax: EmbeddingDisplay.from_explanation(mixed_explanation(80), ax=ax),
    "curves": lambda ax: CurveDisplay.from_curves(
        {
            "MetaExplainer": (FRACTIONS, [0.9, 0.5, 0.35, 0.3, 0.3, 0.33]),
            "random": (FRACTIONS, [0.9, 0.8, 0.65, 0.55, 0.4, 0.33]),
        },
        order="deletion",
        quantity="probability of the predicted class",
        ax=ax,
    ),
    "comparison": lambda ax: ComparisonDisplay.from_explanations(several_explanations(), ax=ax),
    "prototypes": prototypes,
    "adaptation": lambda ax: AdaptationDisplay.from_history(HISTORY, ax=ax),
    "ale_of_numbers": lambda ax: ALEDisplay.from_estimator(*fitted_sum(), ["bill"], ax=ax),
    "ale_of_categories": lambda ax: ALEDisplay.from_estimator(*fitted_sum(), ["island"], ax=ax),
    "ale_of_a_pair": lambda ax: ALEDisplay.from_estimator(
        *fitted_sum(), [("bill", "mass")], n_bins=8, ax=ax
    ),
}

# Each makes a figure of its own.
FACETS = {
    "bars_4_facets": lambda: AttributionDisplay.from_explanation(
        wide_explanation(), output=list("ABCD"), layout="facets", max_display=4
    ),
    "beeswarm_3_facets": lambda: BeeswarmDisplay.from_explanation(
        mixed_explanation(), output=SPECIES
    ),
    "dependence_3_facets": lambda: DependenceDisplay.from_explanation(
        mixed_explanation(), "bill", output=SPECIES, color_by="island", layout="facets"
    ),
    "scores": lambda: ComparisonDisplay.from_frame(scores()),
}


def draw(name):
    """Draw a picture and return its figure."""
    if name in FACETS:
        return FACETS[name]().figure_
    figure, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    ON_ONE_AXES[name](ax)
    return figure


def save(name, path):
    """Draw a picture into a file, with matplotlib's own settings."""
    with mpl.rc_context(), mpl.style.context("default"):
        figure = draw(name)
        figure.savefig(path, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})
        plt.close(figure)


if __name__ == "__main__":
    mpl.use("agg")
    BASELINES.mkdir(exist_ok=True)
    for name in [*ON_ONE_AXES, *FACETS]:
        save(name, BASELINES / f"{name}.png")
        print(BASELINES / f"{name}.png")
