"""``python -m sklearn_metaexplain.calibration``: calibrate weights, and write them again."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from joblib import Parallel, delayed

from sklearn_metaexplain.calibration._cases import Case, measure_case
from sklearn_metaexplain.calibration._deviations import fit_deviations, measure_deviations
from sklearn_metaexplain.calibration._fit import fit_calibration, summarise
from sklearn_metaexplain.learners._stored import load_learner
from sklearn_metaexplain.nets._checkpoint import REGISTRY, load_pretrained, save_pretrained

_AT_ONCE = 16


def main(argv: list[str] | None = None) -> None:
    """Explain tasks of the prior, fit, and write a file with the same networks."""
    parser = argparse.ArgumentParser(prog="python -m sklearn_metaexplain.calibration")
    parser.add_argument("--weights", default="default", help="a name or a file")
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--cases", help="file that keeps what was measured, to go on from")
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--out", help="the file to write")
    todo.add_argument(
        "--deviations",
        action="store_true",
        help="print what `Explanation.std` is read off instead (the numbers of shapley._deviation)",
    )
    arguments = parser.parse_args(argv)
    if arguments.deviations:
        measured = Parallel(n_jobs=arguments.jobs)(
            delayed(measure_deviations)(number, arguments.weights)
            for number in range(arguments.tasks)
        )
        print(json.dumps(fit_deviations([task for task in measured if task]), indent=2))
        return
    pretrained = load_pretrained(arguments.weights)
    stored = load_learner(arguments.weights, REGISTRY, pretrained.kernel)
    kept = Path(arguments.cases or Path(arguments.out).with_suffix(".cases.jsonl"))
    numbered = _read(kept)
    left = [number for number in range(arguments.tasks) if number not in numbered]
    for start in range(0, len(left), _AT_ONCE):
        numbers = left[start : start + _AT_ONCE]
        found = Parallel(n_jobs=arguments.jobs)(
            delayed(measure_case)(number, arguments.weights) for number in numbers
        )
        with kept.open("a", encoding="utf-8") as file:
            for number, case in zip(numbers, found, strict=True):
                record = None if case is None else asdict(case)
                file.write(json.dumps([number, record]) + "\n")
        print(f"{start + len(numbers)} of {len(left)} tasks", file=sys.stderr, flush=True)
    cases = [case for number, case in _read(kept).items() if case and number < arguments.tasks]
    calibration = fit_calibration(cases)
    digest = save_pretrained(
        replace(pretrained, calibration=calibration), arguments.out, stored and stored.state
    )
    found = {"found": summarise(cases, calibration), "calibration": calibration}
    print(json.dumps({**found, "sha256": digest}, indent=2))


def _read(path: Path) -> dict[int, Case | None]:
    if not path.exists():
        return {}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {number: record and Case(**record) for number, record in records}


if __name__ == "__main__":
    main()
