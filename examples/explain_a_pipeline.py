"""Explain a whole pipeline in its raw columns.

Penguins are told apart by a random forest behind a ColumnTransformer. The explainer wraps all of
it: it is given strings, numbers and missing values, and attributes to the columns of the table, not
to those that the encoder makes.

``python examples/explain_a_pipeline.py`` writes a table and a picture to ``demo-output``, or to the
folder that is named.
"""

import sys
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins

# From the palette of Okabe and Ito, which colour-blind readers can tell apart.
RAISES, LOWERS = "#D55E00", "#0072B2"
OF_OUTPUT = ["#E69F00", "#009E73", "#56B4E9"]


def make_model():
    """A pipeline as it is found in the wild: strings encoded, numbers imputed, a forest."""
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
    )
    return make_pipeline(columns, RandomForestClassifier(random_state=0))


def with_cells(one):
    """Names of a row's columns with what stands in them."""
    cells = [f"{cell:g}" if isinstance(cell, float) else cell for cell in one.display_data[0]]
    return np.array(
        [f"{name} = {cell}" for name, cell in zip(one.feature_names, cells, strict=True)]
    )


def draw_row(axes, row, label):
    """One row: a bar for each column, the largest on top, with the explainer's own error bars."""
    one = row.for_output(label)
    order = np.argsort(np.abs(one.values[0, :, 0]))
    values, std = one.values[0, order, 0], one.std[0, order, 0]
    positions = np.arange(len(values))
    axes.barh(
        positions,
        values,
        xerr=std,
        color=np.where(values > 0, RAISES, LOWERS),
        error_kw={"ecolor": "0.25", "capsize": 3},
    )
    for position, value, error in zip(positions, values, std, strict=True):
        side = 1 if value > 0 else -1
        axes.annotate(
            f"{value:+.2f}".replace("-", "\N{MINUS SIGN}"),
            (value + side * error, position),
            xytext=(6 * side, 0),
            textcoords="offset points",
            va="center",
            ha="left" if value > 0 else "right",
        )
    axes.set_yticks(positions, with_cells(one)[order])
    axes.axvline(0, color="0.25", linewidth=0.8)
    axes.margins(x=0.2)
    axes.set_xlabel(f"added to the probability of {label}\n(error bars: one standard deviation)")
    axes.set_title(
        f"Why penguin {one.index[0]} is called {label}\n"
        f"probability {one.predictions[0, 0]:.2f}, on average {one.base_values[0, 0]:.2f}",
        loc="left",
    )


def draw_importance(axes, explanation):
    """All rows: the mean size of each column's attributions, output by output."""
    importance = explanation.global_importance()
    importance = importance.loc[importance.sum(axis=1).sort_values().index]
    start = np.zeros(len(importance))
    for label, color in zip(importance, OF_OUTPUT, strict=True):
        axes.barh(importance.index, importance[label], left=start, color=color, label=label)
        start += importance[label]
    axes.set_xlabel("mean absolute attribution\n(probability, summed over the species)")
    axes.set_title(
        f"What the model goes by\nmean over {len(explanation)} penguins it had not seen", loc="left"
    )
    axes.legend(title="probability of", loc="lower right", frameon=False)


def main(folder="demo-output"):
    """Fit, explain, and leave a table and a picture in a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    X, y = load_penguins(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

    start = perf_counter()
    explainer = MetaExplainer(make_model(), random_state=0).fit(X_train, y_train)
    fitted = perf_counter()
    explanation = explainer.explain(X_test)
    explained = perf_counter()

    predicted = explanation.for_predicted()
    table = predicted.to_frame("predicted")
    table.insert(0, "true species", y_test)
    table.insert(1, "predicted", explanation.predicted_labels)
    table.insert(2, "probability", predicted.predictions[:, 0])
    table.insert(3, "base value", predicted.base_values[:, 0])
    table = table.sort_values("probability")
    table.rename_axis(index="penguin").round(4).to_csv(folder / "explanations.csv")

    # The bird that the model is least sure of.
    row = explanation[predicted.predictions[:, 0].argmin()]
    label = row.predicted_labels[0]
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
    figure, (left, right) = plt.subplots(ncols=2, figsize=(12, 4.8), layout="constrained")
    draw_row(left, row, label)
    draw_importance(right, explanation)
    figure.savefig(folder / "explanation.png", dpi=150)
    plt.close(figure)

    one = row.for_output(label)
    cells = with_cells(one)
    probability, base = one.predictions[0, 0], one.base_values[0, 0]
    accuracy = explainer.score(X_test, y_test)
    print(f"""\
Explained: {len(explanation)} penguins that the model had not seen, in {X.shape[1]} raw columns.
The model names the species of {accuracy:.0%} of them rightly.

It is least sure of penguin {one.index[0]}, which is {y_test[one.index[0]]}: it says {label} with
probability {probability:.2f}; the average over the background is {base:.2f}.
What makes the difference, above all:
""")
    for column in np.argsort(-np.abs(one.values[0, :, 0]))[:4]:
        value, error = one.values[0, column, 0], one.std[0, column, 0]
        print(f"    {cells[column]:<26}{value:+.3f}   (standard deviation {error:.3f})")
    print(f"""
The explainer puts its own relative squared error at {explainer.shapley_error_:.3f}, with a standard
error of {explainer.shapley_error_se_:.3f}. Fitting took {fitted - start:.1f} s and \
{explainer.n_evaluations_:,} model evaluations; the
first fit after an installation also compiles its loops, which are kept.
Explaining took {explained - fitted:.2f} s and {explanation.n_evaluations.max()} evaluations a \
penguin beyond its own prediction.

Table:   {folder / "explanations.csv"}
Picture: {folder / "explanation.png"}""")


if __name__ == "__main__":
    main(*sys.argv[1:])
