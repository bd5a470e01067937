"""How far `MetaExplainer` errs, over tasks whose truth is known."""

from sklearn_metaexplain.calibration._cases import Case, measure_case
from sklearn_metaexplain.calibration._fit import fit_calibration

__all__ = ["Case", "fit_calibration", "measure_case"]
