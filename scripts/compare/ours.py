"""Print what analyze and create make of a script, as JSON.  usage: ours.py SCRIPT

`modules` are the dependency file's; `packages` those that create would look for, the refused ones left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from python_package import import_names
from python_package.import_names.installed import import_path
from python_package.spec import Spec
from python_package.stdlib import standard_library


def main() -> int:
    """Analyze the script with the installed command, then resolve its names as create does."""
    command = Path(sys.executable).with_name("python_package_analyze")
    done = subprocess.run([command, sys.argv[1], "-"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return done.returncode
    spec = Spec.from_json(done.stdout, "dependencies.json")
    answers = import_names.answers(
        spec.modules,
        import_path("python3"),
        mapping=dict(spec.mapping),
        declared=spec.packages,
        pins=spec.pins,
        optional=spec.optional,
        standard=standard_library(spec.python),
    )
    found = [answer.package for answer in answers if answer.package]
    wanted = [package for package in (*found, *import_names.requested(spec.packages)) if not package.absent]
    packages = sorted({package.pypi or package.conda[0] for package in wanted})
    refusals = [answer.refusal for answer in answers if answer.refusal]
    print("\n".join(refusals), file=sys.stderr)
    print(json.dumps({"modules": spec.modules, "packages": packages}))
    return 4 if refusals else 0


if __name__ == "__main__":
    sys.exit(main())
