"""
A page to click through
=======================

``report`` writes an explanation as one HTML file for people who do not write code: columns by their
importance, rows to sort, filter and search, and the attributions of the row that is chosen. It
needs no server and no network.
"""

# sphinx_gallery_thumbnail_path = "_static/report.png"

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.datasets import load_penguins
from sklearn_metaexplain.inspection import report

X, y = load_penguins(return_X_y=True)
X = X.astype({"island": "category", "sex": "category"})
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
explainer = MetaExplainer(model, n_support=512, random_state=0).fit(X_train, y_train)
explanation = explainer.explain(X_test)

with TemporaryDirectory() as folder:
    path = report(
        explanation,
        Path(folder) / "penguins.html",
        title="Which penguin is it?",
        explainer=explainer,
        y=y_test,
    )
    page = path.read_text(encoding="utf-8")
print(f"{len(page) / 1000:.0f} kB")


# %%
# This is the file itself, in a frame. Choose a row, or a class.
class Frame:
    """Show a page inside a page, as a notebook would."""

    def __init__(self, page):
        self.page = page

    def _repr_html_(self):
        style = "width: 100%; height: 46rem; border: 1px solid #999"
        return (
            f'<iframe title="Explanation report" sandbox="allow-scripts" style="{style}" '
            f'srcdoc="{escape(self.page)}"></iframe>'
        )


Frame(page)
