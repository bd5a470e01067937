import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from sklearn_metaexplain.inspection._axis import (
    ColumnAxis,
    draw_colored,
    write_dates,
    write_levels,
)
from sklearn_metaexplain.inspection._column_view import column_view
from sklearn_metaexplain.inspection._style import NEUTRAL, OUTPUT_COLORS, legend_above, tidy


def legend_of(levels):
    """Texts and colours of the legend, and the colour of each point."""
    view = column_view(levels, "kind")
    places = np.arange(float(len(levels)))
    points, _, legend = draw_colored(
        plt.subplots()[1], places, places, view, size=9, place_legend=legend_above
    )
    colors = [handle.get_facecolor()[0] for handle in legend.legend_handles]
    drawn = {int(x): part.get_facecolor()[0] for part in points for x, _ in part.get_offsets()}
    return [text.get_text() for text in legend.get_texts()], colors, drawn


def test_a_category_called_others_is_one_like_all():
    texts, colors, drawn = legend_of(["a", "others", "z"])
    assert texts == ["a", "others", "z"]
    for k, color in enumerate(OUTPUT_COLORS[:3]):
        assert same_color(colors[k], color)
        assert same_color(drawn[k], color)


@pytest.mark.parametrize("n_levels", [8, 12, 30])
@pytest.mark.parametrize("own", [2, 7])
def test_the_rest_is_grey_and_called_as_no_category_is(n_levels, own):
    levels = [f"level {k:02d}" for k in range(n_levels)]
    texts, colors, drawn = legend_of(levels)
    assert texts == [*levels[:6], "others"]
    assert same_color(colors[6], NEUTRAL)
    assert all(same_color(drawn[k], (*OUTPUT_COLORS[:6], *[NEUTRAL] * 30)[k]) for k in drawn)
    # "others" comes third in the alphabet, or among the rest.
    levels = [f"{'a' if k < own else 'z'} {k:02d}" for k in range(n_levels)]
    levels[own] = "others"
    texts, colors, _ = legend_of(levels)
    assert texts == [*levels[:6], "all others"]
    assert same_color(colors[6], NEUTRAL)
    assert same_color(colors[2], OUTPUT_COLORS[2])


def test_ticks_tell_a_category_called_others_from_the_rest():
    levels = ["others", *(f"level {k:02d}" for k in range(20))]
    assert ColumnAxis(column_view([*levels, "others"], "kind")).ticks[-2:] == [
        "others",
        "all others",
    ]


@pytest.mark.parametrize("which", ["x", "y"])
def test_long_categories_keep_what_tells_them_apart(which):
    ax = plt.subplots()[1]
    axis = getattr(ax, f"{which}axis")
    write_levels(ax, axis, which, [f"level number {k} with words" for k in range(8)] + ["others"])
    names = [label.get_text() for label in axis.get_ticklabels()]
    assert len(set(names)) == 9
    assert all(str(k) in names[k] for k in range(8))
    assert max(map(len, names)) <= 16


def test_names_of_categories_in_small_axes_do_not_run_together():
    figure, axes = plt.subplots(2, 3, figsize=(8, 6), layout="constrained")
    for ax in axes.flat:
        ax.set_ylabel("label")
        write_levels(ax, ax.xaxis, "x", [f"level {k}" for k in range(13)])
        ax.set_xlim(-0.5, 12.5)
    figure.draw_without_rendering()
    ax = axes[0, 0]
    apart = 72 * ax.get_window_extent().width / figure.dpi / 13
    size = ax.get_xticklabels()[0].get_fontsize()
    assert apart * np.sin(np.deg2rad(40)) > 0.95 * size
    assert size >= 6


def ticks_beside_missing_values(cells, figsize, n_columns=1):
    figure, axes = plt.subplots(1, n_columns, figsize=figsize, layout="constrained", squeeze=False)
    for ax in axes.flat:
        tidy(ax)
        ax.set_ylabel("added")
        ColumnAxis(column_view([*cells, np.nan], "x")).dress(ax, "x")
    figure.draw_without_rendering()
    words = [word for word in axes[0, 0].texts if word.get_text() == "missing"]
    boxes = [text.get_window_extent() for text in axes[0, 0].get_xticklabels() + words]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    return [text.get_text() for text in axes[0, 0].get_xticklabels()]


def test_the_last_of_few_numbers_is_written_beside_missing_values():
    assert ticks_beside_missing_values(range(5), (6.4, 4.2)) == ["0", "1", "2", "3", "4"]
    assert "4" not in ticks_beside_missing_values(range(5), (9, 3), 4)


def test_large_numbers_beside_missing_values_do_not_run_together():
    for width in (7, 10):
        ticks = ticks_beside_missing_values(np.arange(10) * 1e5 + 0.5, (width, 3), 4)
        assert ("500000" in ticks) == (width == 10)


def test_values_that_are_all_missing_stand_in_one_place():
    axis = ColumnAxis(column_view(np.full(9, np.nan), "x"))
    places = axis.spread(np.linspace(-1, 1, 9))
    ax = plt.subplots()[1]
    ax.scatter(places, np.zeros(9))
    axis.dress(ax, "x")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["missing"]
    assert np.ptp(places) < 0.1 * np.ptp(ax.get_xlim())


@pytest.mark.parametrize("start", [0.0, 12345.678])
def test_dates_of_every_span_have_a_few_ticks_and_no_warning(start):
    axis = plt.subplots()[1].xaxis
    write_dates(axis)
    for span in [*np.geomspace(1e-4, 1e5, 300), *365.25 * np.arange(0.5, 8, 0.25)]:
        axis.axes.set_xlim(start, start + span)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ticks = axis.get_majorticklocs()
        inside = (ticks >= start) & (ticks <= start + span)
        assert 2 <= inside.sum() <= 7, span


def test_years_are_written_without_fractions():
    figure, ax = plt.subplots(figsize=(3, 3))
    view = column_view(pd.Series([2007, 2008, 2009]), "year")
    x = np.arange(3.0)
    colorbar = draw_colored(ax, x, x, view, size=20, place_legend=legend_above)[1]
    ax.set_ylim(2007, 2009)
    ColumnAxis(view).dress(ax, "y")
    for axis in (colorbar.ax.yaxis, ax.yaxis):
        figure.draw_without_rendering()
        assert all(place == round(place) for place in axis.get_majorticklocs())
    halves = column_view(pd.Series([2007, 2007.5]), "year")
    colorbar = draw_colored(ax, x[:2], x[:2], halves, size=20, place_legend=legend_above)[1]
    assert any(place != round(place) for place in colorbar.ax.yaxis.get_majorticklocs())


@pytest.mark.parametrize("cells", [[1.0, np.inf, 3.0], [-np.inf, 1.0, np.nan], [np.inf, np.nan]])
@pytest.mark.filterwarnings("error")
def test_infinite_values_are_left_out(cells):
    view = column_view(pd.Series(cells), "x")
    figure, ax = plt.subplots()
    places = ColumnAxis(view).spread(np.zeros(len(cells)))
    assert np.isnan(places).tolist() == np.isinf(cells).tolist()
    ax.scatter(places, places)
    ColumnAxis(view).dress(ax, "x")
    figure.draw_without_rendering()
    low, high = ax.get_xlim()
    assert ((places >= low) & (places <= high) | np.isnan(places)).all()


@pytest.mark.filterwarnings("error")
def test_infinite_values_have_the_colours_of_the_ends():
    numbers = column_view(pd.Series([1.0, np.inf, 3.0, -np.inf, np.nan]), "x").scaled()
    np.testing.assert_array_equal(numbers, [0.0, 1.0, 1.0, 0.0, np.nan])
    assert column_view(pd.Series([np.inf]), "x").scaled().tolist() == [0.5]
