"""What an engine needs on its workers, whatever the script imports: at the versions that the user's interpreter has."""

from __future__ import annotations

from python_package.errors import InterpreterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from python_package.analyze.values import Analysis

# Engine -> the packages that its workers import from the environment; each has the name of its module. The submitting
# side pickles with the same ones, so their versions must be equal. Spark brings its own pyspark; what its functions on
# pandas need is pandas and pyarrow.
ENGINES = {
    "dask": ("cloudpickle", "dask", "distributed", "msgpack", "toolz", "tornado"),  # what it compares itself
    "parsl": ("dill", "parsl"),
    "ray": ("ray",),
    "spark": ("pandas", "pyarrow"),
    "taskvine": ("cloudpickle", "conda:ndcctools", "threadpoolctl"),
    "work_queue": ("cloudpickle", "dill"),
}


def with_engines(analysis: Analysis, engines: Iterable[str], python: str = "python3") -> Analysis:
    """Return an analysis with the packages of engines, and a remark on each that `python` does not tell the version of.

    Nothing is imported. Raises InterpreterError when the interpreter does not tell where it imports from.
    """
    from python_package.analyze.pins import pin_of  # takes long to import; the command's help needs the names alone
    from python_package.import_names import installed, table, users_python
    from python_package.spec import Pin

    paths = users_python.import_path(python)
    if not paths:
        raise InterpreterError(f"the default interpreter {python} does not tell where it imports modules from")
    packages, pins, remarks = {*analysis.spec.packages}, {pin.module: pin for pin in analysis.spec.pins}, []
    for engine in dict.fromkeys(engines):
        modules = {package.removeprefix("conda:"): package for package in ENGINES[engine]}
        found = installed.find(modules, paths)
        for module, package in modules.items():
            pin = pin_of(module, found.get(module, ()), table.Table())
            if not isinstance(pin, Pin):
                packages.add(package)
                remarks.append(f"--for {engine}: {package} is added without a version: {pin}")
            elif pin.url:  # no index has it
                packages.add(package)
                pins.setdefault(module, pin)
            else:
                packages.add(f"{package}=={pin.version}")
    spec = analysis.spec.replace(
        packages=tuple(sorted(packages)), pins=tuple(sorted(pins.values(), key=lambda pin: pin.module))
    )
    return analysis.replace(spec=spec, remarks=(*analysis.remarks, *remarks))
