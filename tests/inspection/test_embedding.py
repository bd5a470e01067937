from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from sklearn_metaexplain.inspection import EmbeddingDisplay
from tests.inspection.explanations import (
    SPECIES,
    binary_explanation,
    mixed_explanation,
    mixed_frame,
    regression_explanation,
)


def test_principal_components_of_the_attributions():
    explanation = mixed_explanation()
    display = EmbeddingDisplay.from_explanation(explanation, output="Adelie")
    expected = PCA(2).fit_transform(explanation.values[:, :, 0])
    np.testing.assert_allclose(np.abs(display.points), np.abs(expected))
    assert display.axis_names[0].startswith("component 1 (")


def test_two_columns_keep_their_distances():
    values = np.random.RandomState(0).normal(size=(20, 2))
    display = EmbeddingDisplay.from_explanation(regression_explanation(values))
    np.testing.assert_allclose(pdist(display.points), pdist(values))


def test_tsne_parts_clusters_and_leaves_the_global_generator_alone():
    centres = np.repeat(np.eye(3) * 20, 15, axis=0)
    values = centres + np.random.RandomState(0).normal(size=(45, 3))
    state = np.random.get_state()[1].copy()
    displays = [
        EmbeddingDisplay.from_explanation(
            regression_explanation(values), method="tsne", random_state=0
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    np.testing.assert_array_equal(displays[0].points, displays[1].points)
    points = displays[0].points.reshape(3, 15, 2)
    spread = np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=2).max()
    assert pdist(points.mean(axis=1)).min() > 2 * spread


def test_an_embedding_given_is_drawn_as_it_is_or_reduced():
    explanation = mixed_explanation()
    given = np.random.RandomState(0).normal(size=(30, 2))
    display = EmbeddingDisplay.from_explanation(explanation, embedding=given)
    np.testing.assert_array_equal(display.points, given)
    wide = np.column_stack([given, np.zeros((30, 4))])
    display = EmbeddingDisplay.from_explanation(explanation, embedding=wide)
    np.testing.assert_allclose(pdist(display.points), pdist(given))
    with pytest.raises(ValueError, match="embedding has 29 rows; the explanation has 30"):
        EmbeddingDisplay.from_explanation(explanation, embedding=given[:29])


@pytest.mark.parametrize("labels", [[9, 10, 11], ["c", "b", "a"], [2, 1, "one"]])
def test_classes_are_in_the_order_of_the_outputs(labels):
    explanation = mixed_explanation(labels=np.array(labels, dtype=object))
    view = EmbeddingDisplay.from_explanation(explanation).color_by
    assert view.levels == list(map(str, labels))
    shown = np.array(view.levels)[view.numbers.astype(int)]
    assert shown.tolist() == list(map(str, explanation.predicted_labels))
    # Of predicted classes alone the order of the others is not known.
    view = EmbeddingDisplay.from_explanation(explanation.for_predicted()).color_by
    assert np.array(view.levels)[view.numbers.astype(int)].tolist() == shown.tolist()


def test_colours():
    explanation = mixed_explanation()
    display = EmbeddingDisplay.from_explanation(explanation)
    counts = [len(part.get_offsets()) for part in display.points_]
    assert counts == [(explanation.predicted_labels == label).sum() for label in SPECIES]
    display = EmbeddingDisplay.from_explanation(explanation, color_by="mass")
    np.testing.assert_array_equal(display.points_[0].get_array(), explanation.data["mass"])
    truth = np.array(["yes", "no"] * 15)
    display = EmbeddingDisplay.from_explanation(explanation, color_by=truth)
    assert [text.get_text() for text in display.legend_.get_texts()] == ["no", "yes"]
    regression = regression_explanation(np.arange(6.0).reshape(3, 2))
    display = EmbeddingDisplay.from_explanation(regression)
    np.testing.assert_array_equal(display.points_[0].get_array(), [1, 5, 9])
    with pytest.raises(ValueError, match="one value for each of the 30 rows"):
        EmbeddingDisplay.from_explanation(explanation, color_by=truth[:5])


def test_values_of_the_rows_in_another_order_are_refused():
    explanation = replace(mixed_explanation(), index=mixed_frame().index)
    mass = mixed_frame()["mass"]
    display = EmbeddingDisplay.from_explanation(
        explanation, color_by=mass, embedding=mass.to_frame()
    )
    np.testing.assert_array_equal(display.color_by.numbers, mass)
    with pytest.raises(ValueError, match="color_by has the labels of the explained rows"):
        EmbeddingDisplay.from_explanation(explanation, color_by=mass[::-1])
    with pytest.raises(ValueError, match="embedding has the labels of the explained rows"):
        EmbeddingDisplay.from_explanation(explanation, embedding=mass[::-1].to_frame())


def test_explanations_that_are_hard_to_flatten():
    with pytest.raises(ValueError, match="at least 3 rows"):
        EmbeddingDisplay.from_explanation(binary_explanation()[:2])
    with pytest.raises(ValueError, match="method must be one of"):
        EmbeddingDisplay.from_explanation(binary_explanation(), method="umap")
    one = EmbeddingDisplay.from_explanation(regression_explanation([[1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(one.points[:, 0], [1, 2, 3])
    alike = regression_explanation(np.ones((4, 3)))
    for method in ("pca", "tsne"):
        same = EmbeddingDisplay.from_explanation(alike, method=method, random_state=0)
        np.testing.assert_array_equal(same.points, 0)


def test_colours_of_a_column_labelled_by_several_levels():
    values = np.random.RandomState(0).normal(size=(20, 2))
    labels = pd.MultiIndex.from_tuples([("size", "day"), ("size", "night")])
    table = pd.DataFrame(values, columns=labels)
    explanation = regression_explanation(values, table, names=[str(label) for label in labels])
    display = EmbeddingDisplay.from_explanation(explanation, color_by=labels[1])
    np.testing.assert_array_equal(display.color_by.numbers, values[:, 1])
