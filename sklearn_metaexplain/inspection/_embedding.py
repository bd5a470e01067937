"""Rows that are explained alike, near each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils.validation import check_array

from sklearn_metaexplain._explanation import Explanation
from sklearn_metaexplain._names import is_label
from sklearn_metaexplain._validation import draw_seed
from sklearn_metaexplain.inspection._axis import draw_colored
from sklearn_metaexplain.inspection._base import ExplanationDisplay
from sklearn_metaexplain.inspection._choices import check_choice
from sklearn_metaexplain.inspection._column_view import ColumnView, column_view
from sklearn_metaexplain.inspection._read import (
    SelectedOutput,
    check_explanation,
    check_order_of_rows,
    feature_position,
    feature_view,
    select_output,
)
from sklearn_metaexplain.inspection._style import (
    check_axes,
    legend_above,
    marker_size,
    tidy,
)
from sklearn_metaexplain.inspection._text import (
    set_labels,
)

__all__ = ["EmbeddingDisplay"]


class EmbeddingDisplay(ExplanationDisplay):
    """A map on which rows with like attributions, or like embeddings, lie together.

    It is made by `from_explanation` or `from_explainer`; all parameters are stored as attributes.

    Parameters
    ----------
    points : array-like of shape (n_samples, 2)
        Places of the rows.
    color_by : ColumnView
        What points are coloured by.
    axis_names : tuple of two str, default=("", "")
        Names of the axes.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.
    points_ : list of PathCollection
        The points.
    colorbar_ : Colorbar or None
        The scale of numbers.
    legend_ : Legend or None
        The categories.

    See Also
    --------
    HeatmapDisplay : The attributions themselves, rows clustered.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain import Explanation
    >>> from sklearn_metaexplain.inspection import EmbeddingDisplay
    >>> values = np.array([[1.0, 0.0], [1.0, 0.1], [-2.0, 0.0]])[:, :, None]
    >>> explanation = Explanation(
    ...     values, [0.0], values.sum(axis=1), feature_names=["a", "b"], output_names=["y"],
    ...     output="raw", n_evaluations=0, estimator_type="regressor",
    ... )
    >>> display = EmbeddingDisplay.from_explanation(explanation)
    >>> display.axis_names
    ('component 1 (100%)', 'component 2 (0%)')
    """

    def __init__(
        self, *, points: Any, color_by: ColumnView, axis_names: tuple[str, str] = ("", "")
    ) -> None:
        self.points = points
        self.color_by = color_by
        self.axis_names = axis_names

    @classmethod
    def from_explanation(
        cls,
        explanation: Any,
        *,
        embedding: Any = None,
        method: str = "pca",
        color_by: Any = None,
        output: Any = None,
        random_state: Any = None,
        ax: Any = None,
    ) -> EmbeddingDisplay:
        """Draw a map of the rows.

        Parameters
        ----------
        explanation : Explanation
            What is drawn.
        embedding : array-like of shape (n_samples, n_components), default=None
            Places of the rows in a space of another kind, such as a network's. Two components are
            drawn as they are. None: the rows' attributions.
        method : {"pca", "tsne"}, default="pca"
            How two dimensions are made of more: the two principal components, whose share of the
            variance the axes state, or t-SNE [1]_, of which only nearness means something.
        color_by : str, int or array-like of shape (n_samples,), default=None
            A column by name or position, or a value for each row, such as the true class. None: the
            predicted class, or a regressor's prediction.
        output : label, default=None
            Whose attributions are used. None: ``classes_[1]`` of a binary classifier, each row's
            predicted class where there are more, a regressor's only target.
        random_state : int, RandomState or None, default=None
            Seed of t-SNE.
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : EmbeddingDisplay
            The Display, drawn.

        Raises
        ------
        ValueError
            If there are fewer than 3 rows, or `embedding` or `color_by` does not fit them, or has
            their labels in another order.

        References
        ----------
        .. [1] L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", Journal of Machine
           Learning Research 9, 2008.
        """
        check_choice("method", method, ("pca", "tsne"))
        explanation = check_explanation(explanation)
        n = len(explanation)
        if n < 3:
            raise ValueError(f"A map needs at least 3 rows; the explanation has {n}.")
        selected = None
        if embedding is None or color_by is None:
            selected = select_output(explanation, output)
        if embedding is None:
            assert selected is not None
            space = selected.explanation.values[:, :, 0]
        else:
            check_order_of_rows(embedding, explanation, "embedding")
            space = check_array(embedding, dtype=np.float64, input_name="embedding")
            if len(space) != n:
                raise ValueError(f"embedding has {len(space)} rows; the explanation has {n}.")
        points, names = _flatten(space, method, random_state, as_it_is=embedding is not None)
        return cls(
            points=points, color_by=_colors(explanation, color_by, selected), axis_names=names
        ).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> EmbeddingDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. None: a new figure.

        Returns
        -------
        display : EmbeddingDisplay
            Itself.
        """
        self.ax_ = ax = check_axes(f"{type(self).__name__}.plot", ax, figsize=(6.4, 5.0))
        self.figure_ = ax.figure
        points = np.asarray(self.points, dtype=float)
        set_labels(ax, x=self.axis_names[0], y=self.axis_names[1])
        self.points_, self.colorbar_, self.legend_ = draw_colored(
            ax,
            points[:, 0],
            points[:, 1],
            self.color_by,
            size=1.3 * marker_size(ax, len(points)),
            place_legend=legend_above,
        )
        # Distances are read, not coordinates.
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xticks([])
        ax.set_yticks([])
        tidy(ax)
        return self


def _flatten(
    space: np.ndarray, method: str, random_state: Any, *, as_it_is: bool
) -> tuple[np.ndarray, tuple[str, str]]:
    """Places (n, 2) and names of the axes."""
    n, width = space.shape
    if as_it_is and width == 2:
        return space, ("dimension 1", "dimension 2")
    if width == 1:
        return np.column_stack([space[:, 0], np.zeros(n)]), ("the only column", "")
    # Rows that are all alike are in one place, in which neither method finds an axis.
    are_alike = np.ptp(space, axis=0).max() == 0
    if method == "tsne":
        names = ("t-SNE 1", "t-SNE 2")
        if are_alike:
            return np.zeros((n, 2)), names
        # Other seeds than ours would come from numpy's global generator.
        tsne = TSNE(
            perplexity=min(30.0, (n - 1) / 3), init="pca", random_state=draw_seed(random_state)
        )
        return tsne.fit_transform(space), names
    if are_alike:
        return np.zeros((n, 2)), ("component 1", "component 2")
    pca = PCA(n_components=2, svd_solver="full")
    points = pca.fit_transform(space)
    first, second = (f"component {k + 1} ({pca.explained_variance_ratio_[k]:.0%})" for k in (0, 1))
    return points, (first, second)


def _colors(explanation: Explanation, color_by: Any, selected: SelectedOutput | None) -> ColumnView:
    if color_by is None:
        assert selected is not None
        is_classifier = explanation.estimator_type == "classifier"
        several = explanation.estimator_type is None and len(explanation.output_names) > 1
        if is_classifier or several:
            return column_view(_predicted_classes(explanation), "predicted")
        return column_view(selected.explanation.predictions[:, 0], selected.quantity)
    names = explanation.feature_names
    if isinstance(color_by, str) or is_label(color_by, names) or np.ndim(color_by) == 0:
        position = feature_position(explanation, color_by, "color_by")
        return feature_view(explanation, position, "color_by")
    if np.ndim(color_by) != 1 or len(color_by) != len(explanation):
        raise ValueError(
            f"color_by has shape {np.shape(color_by)}; one value for each of the "
            f"{len(explanation)} rows is needed."
        )
    check_order_of_rows(color_by, explanation, "color_by")
    return column_view(color_by, str(getattr(color_by, "name", None) or ""))


def _predicted_classes(explanation: Explanation) -> pd.Categorical:
    """The class that is predicted in each row, as text, in the order of the outputs."""
    labels, names = explanation.predicted_labels, explanation.output_names.tolist()
    codes = explanation._positions_of(labels)
    if (codes < 0).any():  # of predicted classes alone the others are not known
        known = pd.Categorical(labels.tolist())
        codes, names = known.codes, known.categories.tolist()
    texts = [str(name) for name in names]
    return pd.Categorical([texts[code] for code in codes], categories=list(dict.fromkeys(texts)))
