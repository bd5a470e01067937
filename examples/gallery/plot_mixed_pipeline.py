"""
A pipeline explained in its raw columns
=======================================

Penguins of three species are told apart by a random forest behind a ``ColumnTransformer``: strings
are encoded, gaps filled. The explainer wraps all of it, so attributions are of the columns of the
table, one for each, strings and missing values included.
"""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.inspection import AttributionDisplay, BeeswarmDisplay

X, y = load_penguins(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
)
model = make_pipeline(columns, RandomForestClassifier(random_state=0))

explainer = MetaExplainer(model, n_support=512, random_state=0).fit(X_train, y_train)
explanation = explainer.explain(X_test)
explanation

# %%
# Three outputs, one for each species, each a probability. A table of one of them has the index of
# the rows that were explained:
explanation.to_frame("Gentoo").head().round(3)

# %%
# One row
# -------
# The penguin that the model is least sure of. The waterfall starts at the base value, the mean
# probability over the background rows, and ends at the model's probability.
least_sure = explanation.for_predicted().predictions[:, 0].argmin()
row = explanation[least_sure]
AttributionDisplay.from_explanation(row, kind="waterfall")

# %%
# The same row as bars, for all three species: what speaks for one speaks against another, and the
# three bars of a column sum to zero. Error bars are the explainer's own standard deviations.
AttributionDisplay.from_explanation(row, output=["Adelie", "Chinstrap", "Gentoo"])

# %%
# All rows
# --------
# Mean absolute attributions say which columns the model goes by.
AttributionDisplay.from_explanation(explanation, output=["Adelie", "Chinstrap", "Gentoo"])

# %%
# The beeswarm shows every row: right of zero a column speaks for the species, left of it against.
# Categories have no order and are grey.
BeeswarmDisplay.from_explanation(explanation, output="Gentoo")

# %%
# How far off may the numbers be? The explainer estimated its relative squared error from
# evaluations that it held out.
print(f"{explainer.shapley_error_:.3f} with a standard error of {explainer.shapley_error_se_:.3f}")
