"""Attributions of classes whose probabilities sum to one."""

import numpy as np

from sklearn_metaexplain.masking._outputs import sum_to_zero_over_classes


def test_what_a_class_gains_others_lose_unless_probabilities_miss_one():
    random = np.random.RandomState(0)
    values, base = random.normal(size=(2, 4, 3)), np.array([0.2, 0.3, 0.5])
    values[0] -= values[0].mean()
    projected = sum_to_zero_over_classes(values, base + values.sum(axis=1), base)
    np.testing.assert_allclose(projected.sum(axis=1), values.sum(axis=1))
    np.testing.assert_allclose(projected[0].sum(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(projected[1], values[1])


def test_a_class_that_never_changes_neither_gains_nor_loses():
    random = np.random.RandomState(0)
    values, base = random.normal(size=(4, 5, 3)), np.array([0.2, 0.3, 0.5])
    values[..., 2] = 0
    values[..., :2] -= values[..., :2].sum((1, 2), keepdims=True) / 10
    projected = sum_to_zero_over_classes(values, base + values.sum(axis=1), base)
    assert not projected[..., 2].any()
    np.testing.assert_allclose(projected.sum(axis=2), 0, atol=1e-12)


def test_classes_that_take_part_can_be_named():
    random = np.random.RandomState(0)
    values, base = random.normal(size=(4, 5, 3)), np.array([0.2, 0.3, 0.5])
    values[..., 1] = 0
    values -= values.sum((1, 2), keepdims=True) / 15
    moving = np.array([True, True, False])
    projected = sum_to_zero_over_classes(values, base + values.sum(axis=1), base, moving)
    np.testing.assert_array_equal(projected[..., 2], values[..., 2])
    np.testing.assert_allclose(projected.sum(axis=2), 0, atol=1e-12)
    apart = projected[..., 0] - projected[..., 1]
    np.testing.assert_allclose(apart, values[..., 0] - values[..., 1])
