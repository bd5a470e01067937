"""The Palmer penguins, a small real table with strings, numbers and missing values."""

from importlib.resources import files
from typing import Any

import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

__all__ = ["load_penguins"]

_TARGET = "species"


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]}, prefer_skip_nested_validation=True
)
def load_penguins(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load the Palmer penguins: 344 birds of three species from three Antarctic islands.

    ==================  ==============================================================
    Rows                344 (152 Adelie, 68 Chinstrap, 124 Gentoo)
    Columns             7: two of strings (`island`, `sex`), five of numbers
    Missing values      19 cells, in `sex` and the four measurements
    Target              `species`, strings
    ==================  ==============================================================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        A DataFrame and a Series, missing values as pandas reads them. If False, arrays of Python
        objects, missing values as NaN.

    Returns
    -------
    penguins : Bunch
        With `data` and `target`; `frame` (both in one DataFrame, None if not `as_frame`);
        `feature_names` and `target_names` (lists); `DESCR` (source, licence, columns); and
        `filename`. With `return_X_y`, the tuple ``(data, target)``.

    Notes
    -----
    Units: lengths in mm, `body_mass_g` in g, `year` of the study in calendar years. The species is
    seldom in doubt, which makes the few birds that a model is unsure of worth explaining.

    The data are in the public domain (CC0 1.0), made available by Dr. Kristen Gorman and the
    Palmer Station, Antarctica LTER; the table is `penguins` of the palmerpenguins package.

    References
    ----------
    .. [1] K. B. Gorman, T. D. Williams and W. R. Fraser, "Ecological sexual dimorphism and
       environmental variability within a community of Antarctic penguins (genus Pygoscelis)",
       PLoS ONE 9(3), 2014. https://doi.org/10.1371/journal.pone.0090081
    .. [2] A. M. Horst, A. P. Hill and K. B. Gorman, "palmerpenguins: Palmer Archipelago
       (Antarctica) penguin data", 2020. https://doi.org/10.5281/zenodo.3960218

    Examples
    --------
    >>> from sklearn_metaexplain.datasets import load_penguins
    >>> X, y = load_penguins(return_X_y=True)
    >>> X.shape
    (344, 7)
    >>> sorted(y.unique())
    ['Adelie', 'Chinstrap', 'Gentoo']
    """
    folder = files("sklearn_metaexplain.datasets").joinpath("data")
    path = folder.joinpath("penguins.csv")
    with path.open("r", encoding="utf-8") as file:
        frame = pd.read_csv(file)
    X: Any = frame.drop(columns=_TARGET)
    y: Any = frame[_TARGET]
    feature_names, target_names = X.columns.tolist(), sorted(y.unique())
    if not as_frame:
        X, y = X.to_numpy(dtype=object), y.to_numpy(dtype=object)
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        frame=frame if as_frame else None,
        feature_names=feature_names,
        target_names=target_names,
        DESCR=folder.joinpath("README.md").read_text(encoding="utf-8"),
        filename=str(path),
    )
