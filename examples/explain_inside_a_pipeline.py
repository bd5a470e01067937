"""An explainer as the last step of a pipeline.

Earlier steps transform the rows; what is explained are the columns that reach the last step. To
explain the raw columns instead, wrap the whole pipeline, as explain_a_pipeline.py does.
"""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.pipeline import make_pipeline


def main():
    """Fit, predict, score and explain with one object."""
    X, y = load_penguins(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
        verbose_feature_names_out=False,
    )
    forest = RandomForestClassifier(random_state=0)
    pipeline = make_pipeline(columns, MetaExplainer(forest, random_state=0))
    pipeline.fit(X_train, y_train)

    print(f"Accuracy {pipeline.score(X_test, y_test):.2f}; attributions of the encoded columns:\n")
    explanation = pipeline.explain(X_test)
    print(explanation.global_importance().round(3).to_string())

    # A budget sharpens the explanation of a few rows by asking the model about each of them.
    sharper = pipeline.explain(X_test[:5], budget=200)
    print(
        f"\nThe first five penguins again, with {sharper.n_evaluations.max()} evaluations or fewer "
        f"for each:\nthe mean standard deviation falls from {explanation[:5].std.mean():.4f} to "
        f"{sharper.std.mean():.4f}."
    )


if __name__ == "__main__":
    main()
