"""``python -m sklearn_metaexplain.calibration``: calibrate weights, or the likelihood search."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from sklearn_metaexplain._files import open_whole
from sklearn_metaexplain.calibration._cases import Case, measure_case
from sklearn_metaexplain.calibration._deviations import fit_deviations, measure_deviations
from sklearn_metaexplain.calibration._fit import fit_calibration, summarise
from sklearn_metaexplain.learners._stored import load_learner
from sklearn_metaexplain.nets._checkpoint import REGISTRY, load_pretrained, save_pretrained
from sklearn_metaexplain.shapley._deviation import LOG_FACTORS, POWERS
from sklearn_metaexplain.shapley._error import ROW_EVIDENCE, TASK_EVIDENCE
from sklearn_metaexplain.training._arguments import count, file_to_write
from sklearn_metaexplain.training._fingerprints import fingerprint

_AT_ONCE = 16
_SEARCHED = "none"
_Writer = Callable[[dict[str, Any]], str]


def main(argv: list[str] | None = None) -> None:
    """Explain tasks of the prior, fit, and write what was found, with the same networks if any."""
    parser = argparse.ArgumentParser(prog="python -m sklearn_metaexplain.calibration")
    parser.add_argument(
        "--weights",
        default="default",
        help=f"a name, a file, or {_SEARCHED!r}: kernels by likelihood search, as pretrained=None "
        "has them; what is written is then JSON",
    )
    parser.add_argument("--tasks", type=count, default=600)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--cases", help="file that keeps what was measured, to go on from")
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--out", type=file_to_write, help="the file to write")
    todo.add_argument(
        "--deviations",
        action="store_true",
        help="print what `Explanation.std` is read off instead (the numbers of shapley._deviation)",
    )
    arguments = parser.parse_args(argv)
    weights = None if arguments.weights == _SEARCHED else arguments.weights
    if arguments.deviations:
        measured = Parallel(n_jobs=arguments.jobs)(
            delayed(measure_deviations)(number, weights) for number in range(arguments.tasks)
        )
        print(json.dumps(fit_deviations([task for task in measured if task]), indent=2))
        return
    out = arguments.out
    networks, write = _of_search(out) if weights is None else _of_networks(weights, out)
    kept = Path(arguments.cases or out.with_suffix(".cases.jsonl"))
    told_by = fingerprint([*networks, POWERS, LOG_FACTORS, TASK_EVIDENCE, ROW_EVIDENCE])
    numbered = _read(kept, told_by)
    left = [number for number in range(arguments.tasks) if number not in numbered]
    for start in range(0, len(left), _AT_ONCE):
        numbers = left[start : start + _AT_ONCE]
        found = Parallel(n_jobs=arguments.jobs)(
            delayed(measure_case)(number, weights) for number in numbers
        )
        numbered |= zip(numbers, found, strict=True)
        _write(kept, numbered, told_by)
        print(f"{start + len(numbers)} of {len(left)} tasks", file=sys.stderr, flush=True)
    cases = [case for number, case in numbered.items() if case and number < arguments.tasks]
    calibration = fit_calibration(cases)
    digest = write(calibration)
    found = {"found": summarise(cases, calibration), "calibration": calibration}
    print(json.dumps({**found, "sha256": digest}, indent=2))


def _of_networks(weights: str, out: Path) -> tuple[list[Any], _Writer]:
    """Load what is calibrated, and what writes it again with its calibration."""
    pretrained = load_pretrained(weights)
    stored = load_learner(weights, REGISTRY, pretrained.kernel)
    learned = stored and (stored.learner, stored.state)

    def write(calibration: dict[str, Any]) -> str:
        calibrated = replace(pretrained, calibration=calibration)
        return save_pretrained(calibrated, out, stored and stored.state)

    return [pretrained.kernel, pretrained.corrector, learned], write


def _of_search(out: Path) -> tuple[list[Any], _Writer]:
    return [], partial(_write_json, out)


def _write_json(out: Path, calibration: dict[str, Any]) -> str:
    content = (json.dumps(calibration) + "\n").encode()
    with open_whole(out, make_folder=True) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, told_by: str) -> dict[int, Case | None]:
    """Read what was measured by the same networks; cases of others say nothing of these."""
    if not path.exists():
        return {}
    numbered = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number, record, *whose = json.loads(line)
            if whose != [told_by]:
                raise SystemExit(
                    f"{path} holds what was measured of other networks than those of --weights, "
                    "or with other deviations, or does not say of which; remove it to start anew, "
                    "or give another file by --cases."
                )
            numbered[number] = record and Case(**record)
    except (TypeError, ValueError) as error:
        raise SystemExit(
            f"{path} cannot be read ({type(error).__name__}: {error}); remove it to start anew, "
            "or give another file by --cases."
        ) from error
    return numbered


def _write(path: Path, numbered: dict[int, Case | None], told_by: str) -> None:
    lines = [
        json.dumps([number, case and asdict(case), told_by]) + "\n"
        for number, case in numbered.items()
    ]
    with open_whole(path, make_folder=True) as file:
        file.write("".join(lines).encode())


if __name__ == "__main__":
    main()
